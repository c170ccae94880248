"""The metadata inside a model file: classes, data and origin, as one JSON member of the archive."""

import json
import zipfile
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import ModelError
from pipeline.metrics import DEFAULT_METRIC

MEMBER = "convtune.json"
"""The name of the member in the ``.keras`` archive. Keras reads the members that it knows and ignores others."""

_MAX_BYTES = 10_000_000
"""The largest metadata: 10,000 classes with names of 200 characters have 2 MB."""


@dataclass(frozen=True)
class ModelMetadata:
    """The facts about a model file that people and commands need.

    ``classes`` are the names of the outputs, in their order; ``shape`` is the (height, width, channels) that the
    network sees. ``dataset`` and ``digest`` are the name and the digest of its data, ``seed`` the one by which the data
    was split. ``score`` is what ``metric`` gave on the validation images, None for a model that was not scored.
    ``white`` is the stored value that became 255 where the data had more than 8 bits a pixel, else None.

    >>> ModelMetadata(("cat", "dog"), (32, 32, 3), "pets", "d41d8c", seed=0, study="pets-quick", trial=3).metric
    'accuracy'
    """

    classes: tuple[str, ...]
    shape: tuple[int, int, int]
    dataset: str
    digest: str
    seed: int
    study: str
    trial: int
    score: float | None = None
    metric: str = DEFAULT_METRIC.name
    white: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def write_metadata(metadata: ModelMetadata, path: Path) -> None:
    """Adds the metadata to the ``.keras`` archive at ``path``."""
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(MEMBER, json.dumps(metadata.as_dict(), indent=1))


def read_metadata(path: Path) -> ModelMetadata:
    """The metadata inside ``path``.

    ModelError when the file is missing, is not a ``.keras`` archive, or has no valid metadata.
    """
    if (metadata := find_metadata(path)) is None:
        raise missing_metadata(path)
    return metadata


def find_metadata(path: Path) -> ModelMetadata | None:
    """The metadata inside ``path``, None for a ``.keras`` archive that convtune did not write.

    ModelError when the file is missing, is not a ``.keras`` archive, or has invalid metadata.
    """
    if not path.is_file():
        raise ModelError(f"{path}: no such model file; `convtune export STUDY` writes one")
    try:
        with zipfile.ZipFile(path) as archive:
            members = json.loads(_read_member(archive)) if MEMBER in archive.namelist() else None
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError):
        raise ModelError(
            f"{path}: expected a .keras file, but this is not such an archive;"
            " give the file that `convtune export` wrote"
        ) from None
    except (KeyError, ValueError):
        raise missing_metadata(path) from None
    return None if members is None else parse_metadata(members, path)


def _read_member(archive: zipfile.ZipFile) -> bytes:
    """The metadata as JSON; ValueError for more than any model has: a few kilobytes can unpack to gigabytes."""
    if archive.getinfo(MEMBER).file_size > _MAX_BYTES:
        raise ValueError("too large")
    return archive.read(MEMBER)


def parse_metadata(members: Any, path: Path) -> ModelMetadata:
    """The metadata that ``as_dict`` has turned into ``members``, which may come from anywhere.

    ModelError, which names the model file ``path``, when they are invalid.
    """
    try:
        return _parse(members)
    except (KeyError, TypeError, ValueError):
        raise missing_metadata(path) from None


def missing_metadata(path: Path) -> ModelError:
    """The error of a model without valid metadata."""
    return ModelError(f"{path}: a model without class names of convtune; give one that `convtune export` wrote")


def _parse(members: dict[str, Any]) -> ModelMetadata:
    metadata = ModelMetadata(**{**members, "classes": tuple(members["classes"]), "shape": tuple(members["shape"])})
    height, width, channels = metadata.shape
    names = (*metadata.classes, metadata.dataset, metadata.metric, metadata.study)
    numbers = (height, width, channels, metadata.seed + 1, metadata.trial + 1)
    if not all(isinstance(name, str) for name in names) or not all(isinstance(n, int) and n > 0 for n in numbers):
        raise ValueError("a value of the wrong type")
    if not (metadata.white is None or (isinstance(metadata.white, int) and metadata.white > 0)):
        raise ValueError("a white level that is none")
    if not isinstance(metadata.score, int | float | None):
        raise ValueError("a score that is no number")
    if not isinstance(members["classes"], list | tuple) or channels not in (1, 3):
        raise ValueError("no classes, or no images")
    if len(set(metadata.classes)) < len(metadata.classes):
        raise ValueError("two classes of one name")
    return metadata
