"""What travels inside a model file beside its weights: classes, data and origin, as one JSON member of the archive."""

import json
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import ModelError

MEMBER = "convtune.json"
"""Its name in the ``.keras`` archive; Keras reads the members it knows and leaves others alone."""


@dataclass(frozen=True)
class ModelCard:
    """``shape`` is the (height, width, channels) the network sees; ``seed`` the one its data was split by."""

    classes: tuple[str, ...]
    shape: tuple[int, int, int]
    dataset: str
    digest: str
    seed: int
    study: str
    trial: int
    value: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def put(card: ModelCard, path: Path) -> None:
    """Adds the card to the ``.keras`` archive at ``path``."""
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(MEMBER, json.dumps(card.as_dict(), indent=1))


def get(path: Path) -> ModelCard:
    """The card inside ``path``; ModelError when the file is missing, is no ``.keras`` archive or has no card."""
    if not path.is_file():
        raise ModelError(f"{path}: no such model file; `convtune export STUDY` writes one")
    try:
        with zipfile.ZipFile(path) as archive:
            values = json.loads(archive.read(MEMBER))
        return ModelCard(**{**values, "classes": tuple(values["classes"]), "shape": tuple(values["shape"])})
    except zipfile.BadZipFile:
        raise ModelError(
            f"{path}: expected a .keras file, but it is no such archive; give the file that `convtune export` wrote"
        ) from None
    except (KeyError, TypeError, ValueError):
        raise ModelError(
            f"{path}: a .keras file without class names of convtune; give one that `convtune export` wrote"
        ) from None
