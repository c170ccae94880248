"""The ``.keras`` file: the trial's own, complete with its metadata."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.export.export_format import ExportFormat
from pipeline.study.model_metadata import read_metadata

if TYPE_CHECKING:
    from pipeline.arrays import Images, Probabilities


def write(model_file: Path, target: Path, images: "Images") -> None:
    """Copies the file byte for byte, so that nothing is lost."""
    shutil.copyfile(model_file, target)


def load(target: Path) -> "Callable[[Images], Probabilities]":
    """Loads the file with Keras alone, in safe mode."""
    from pipeline.training.runnable_model import load_keras

    return load_keras(target)


def metadata(target: Path) -> dict[str, Any]:
    """The member of the archive."""
    return read_metadata(target).as_dict()


KERAS = ExportFormat(
    "keras",
    "model.keras",
    ("uint8", "float32"),
    "keras.py",
    lambda path: path.suffix == ".keras" and path.is_file(),
    write,
    load,
    metadata,
)
