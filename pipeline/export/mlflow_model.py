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

from pipeline.study.model_metadata import read_metadata
from pipeline.training.save import load


def write(model_file: Path, folder: Path, example: npt.NDArray[np.uint8], requirements: list[str]) -> None:
    """Writes the ``.keras`` file ``model_file`` as an MLflow model to ``folder``, which must not exist yet.

    ``example`` holds raw images, uint8 (n, height, width, channels). It is saved together with the signature: any
    number of such images in, their probabilities (float32) out. ``requirements`` are pip's; MLflow would need 16.7 s
    to find them out (measured). MLflow's metadata of the model is convtune's. Raises ModelError when the file is not
    a model of convtune.
    """
    metadata = read_metadata(model_file)
    model = load(model_file)
    probabilities = np.asarray(model.predict(example, verbose=0))
    inputs = TensorSpec(example.dtype, (-1, *example.shape[1:]))
    outputs = TensorSpec(probabilities.dtype, (-1, *probabilities.shape[1:]))
    folder.mkdir(parents=True)  # MLflow writes the example before it creates the folder
    with _errors_only():
        mlflow.keras.save_model(
            model,
            str(folder),
            signature=ModelSignature(Schema([inputs]), Schema([outputs])),
            input_example=example,
            pip_requirements=requirements,
            metadata=metadata.as_dict(),
        )
    shutil.copyfile(model_file, folder / "data" / "model.keras")  # the file that Keras saved again has no metadata


@contextmanager
def _errors_only() -> Iterator[None]:
    """Keeps MLflow's warnings out of the log: they are about arguments that are given here on purpose."""
    logger = logging.getLogger("mlflow")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
