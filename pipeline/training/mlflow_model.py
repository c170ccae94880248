"""Writes a model as MLflow's, for the parent to upload: ``mlflow.keras`` imports Keras, so this runs in a worker."""

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mlflow.keras
import numpy as np
import numpy.typing as npt
from mlflow.models import ModelSignature
from mlflow.types import Schema, TensorSpec

from pipeline import model_card
from pipeline.training.save import load


def write(model_file: Path, folder: Path, example: npt.NDArray[np.uint8], requirements: list[str]) -> None:
    """Writes the ``.keras`` file ``model_file`` as an MLflow model to ``folder``, which must not exist yet.

    ``example`` holds raw images, uint8 (n, height, width, channels); with it goes the signature: any number of such
    images in, their probabilities (float32) out. ``requirements`` are pip's; left to MLflow, finding them out takes
    16.7 s (measured). The model's card is in its metadata. Raises ModelError when the file is no model of ours.
    """
    card = model_card.get(model_file)
    model = load(model_file)
    probabilities = np.asarray(model.predict(example, verbose=0))
    inputs = TensorSpec(example.dtype, (-1, *example.shape[1:]))
    outputs = TensorSpec(probabilities.dtype, (-1, *probabilities.shape[1:]))
    folder.mkdir(parents=True)  # MLflow writes the example before it makes the folder
    with _errors_only():
        mlflow.keras.save_model(
            model,
            str(folder),
            signature=ModelSignature(Schema([inputs]), Schema([outputs])),
            input_example=example,
            pip_requirements=requirements,
            metadata=card.as_dict(),
        )
    shutil.copyfile(model_file, folder / "data" / "model.keras")  # what Keras saved again has lost the card


@contextmanager
def _errors_only() -> Iterator[None]:
    """MLflow's warnings about what is given here on purpose stay out of the log."""
    logger = logging.getLogger("mlflow")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
