"""What travels inside a model file beside its weights: classes, data and origin, as one JSON member of the archive."""

import json
import zipfile
import zlib
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
    if (card := find(path)) is None:
        raise _without(path)
    return card


def find(path: Path) -> ModelCard | None:
    """The card inside ``path``, None in a ``.keras`` archive that is not convtune's.

    ModelError when the file is missing, is no such archive or has a card that is none.
    """
    if not path.is_file():
        raise ModelError(f"{path}: no such model file; `convtune export STUDY` writes one")
    try:
        with zipfile.ZipFile(path) as archive:
            return _card(json.loads(archive.read(MEMBER))) if MEMBER in archive.namelist() else None
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError):
        raise ModelError(
            f"{path}: expected a .keras file, but it is no such archive; give the file that `convtune export` wrote"
        ) from None
    except (KeyError, TypeError, ValueError):
        raise _without(path) from None


def _without(path: Path) -> ModelError:
    return ModelError(f"{path}: a .keras file without class names of convtune; give one that `convtune export` wrote")


def _card(values: dict[str, Any]) -> ModelCard:
    """The card of a file from elsewhere; KeyError, TypeError or ValueError when it is none."""
    card = ModelCard(**{**values, "classes": tuple(values["classes"]), "shape": tuple(values["shape"])})
    height, width, channels = card.shape
    names, numbers = (*card.classes, card.dataset), (height, width, channels, card.seed + 1)
    if not all(isinstance(name, str) for name in names) or not all(isinstance(n, int) and n > 0 for n in numbers):
        raise ValueError("a value of the wrong type")
    if not isinstance(values["classes"], list) or channels not in (1, 3):
        raise ValueError("no classes, or no images")
    return card
