"""The ``.keras`` file: the trial's own, whole, with its card."""

import shutil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

USE = "convtune predict {path} IMAGE..."


def write(model_file: Path, target: Path) -> None:
    """Copies the file; byte for byte, so that nothing can get lost."""
    shutil.copyfile(model_file, target)


def run(target: Path, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Loads the file by Keras alone, in safe mode, and predicts."""
    from pipeline.training.predict import probabilities

    return probabilities(target, images)
