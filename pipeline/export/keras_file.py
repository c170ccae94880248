"""The ``.keras`` file: the trial's own, complete with its metadata."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.export.export_format import ExportFormat

if TYPE_CHECKING:
    from pipeline.export.export_format import Images, Probabilities


def write(model_file: Path, target: Path) -> None:
    """Copies the file byte for byte, so that nothing is lost."""
    shutil.copyfile(model_file, target)


def run(target: Path, images: "Images") -> "Probabilities":
    """Loads the file with Keras alone, in safe mode, and predicts."""
    from pipeline.training.predict import predict_arrays

    return predict_arrays(target, images)


KERAS = ExportFormat("keras", "model.keras", write, run, usage="convtune predict {path} IMAGE...")
