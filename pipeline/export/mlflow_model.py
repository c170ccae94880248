"""Writes a model as MLflow's, for the parent to upload: ``mlflow.keras`` imports Keras, so this runs in a worker."""

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mlflow.keras
import mlflow.pyfunc
import numpy as np
import numpy.typing as npt
from mlflow.models import Model, ModelSignature
from mlflow.pyfunc.loaders import code_model
from mlflow.types import ColSpec, DataType, Schema, TensorSpec

from pipeline.study.model_metadata import read_metadata
from pipeline.training.save import load

_MODEL_FILE = "data/model.keras"
"""Where ``mlflow.keras`` keeps the model in its folder."""

_CODE = Path(__file__).with_name("served_model.py")
"""The code that answers requests, in place of MLflow's own, which knows no class names."""


def write(model_file: Path, folder: Path, example: npt.NDArray[np.uint8], requirements: list[str]) -> None:
    """Writes the ``.keras`` file ``model_file`` as an MLflow model to ``folder``, which must not exist yet.

    ``mlflow.keras`` loads it as the Keras model that it is. ``mlflow.pyfunc`` and ``mlflow models serve`` answer with
    one column of probabilities per class; see ``pipeline.export.served_model``. The signature takes images of all sizes
    that the model takes. ``example`` holds raw images, uint8 (n, height, width, channels), and is saved too.
    ``requirements`` are pip's; MLflow would need 16.7 s to find them out (measured). MLflow's metadata of the model is
    convtune's. Raises ModelError when the file is not a model of convtune.
    """
    metadata = read_metadata(model_file)
    model = load(model_file)
    images = TensorSpec(example.dtype, tuple(-1 if side is None else side for side in model.input_shape))
    probabilities = Schema([ColSpec(DataType.float, name) for name in metadata.classes])
    folder.mkdir(parents=True)  # MLflow writes the example before it creates the folder
    with _errors_only():
        mlflow.keras.save_model(
            model,
            str(folder),
            signature=ModelSignature(Schema([images]), probabilities),
            input_example=example,
            pip_requirements=requirements,
            metadata=metadata.as_dict(),
        )
    shutil.copyfile(model_file, folder / _MODEL_FILE)  # the file that Keras saved again has no metadata
    _answer_with_class_names(folder)


def _answer_with_class_names(folder: Path) -> None:
    """Puts our code in the place of MLflow's where the model is served; the rest of the model stays as it is."""
    shutil.copyfile(_CODE, folder / _CODE.name)
    description = Model.load(str(folder))
    environment = description.flavors[mlflow.pyfunc.FLAVOR_NAME][mlflow.pyfunc.ENV]
    mlflow.pyfunc.add_to_model(
        description,
        loader_module=code_model.__name__,
        conda_env=environment["conda"],
        python_env=environment["virtualenv"],
        model_code_path=_CODE.name,
        artifacts={"model": {"path": _MODEL_FILE, "uri": _MODEL_FILE}},
    )
    description.save(str(folder / "MLmodel"))


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
