"""Writes a model as MLflow's. Without Keras, which ``mlflow.keras`` imports: so the parent can do it, in no time."""

import json
import logging
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import mlflow.pyfunc
import numpy as np
import numpy.typing as npt
import yaml
from mlflow.models import Model, ModelSignature
from mlflow.models.utils import _save_example
from mlflow.pyfunc.loaders import code_model
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema, TensorSpec
from mlflow.utils.environment import _mlflow_conda_env, _PythonEnv

from pipeline.errors import ModelError
from pipeline.study.model_metadata import read_metadata

_DATA = "data"
"""The folder of the model's files, as ``mlflow.keras`` calls it."""

_MODEL_FILE = f"{_DATA}/model.keras"
"""Where ``mlflow.keras`` keeps the model in its folder."""

_CONDA_FILE, _PYTHON_FILE = "conda.yaml", "python_env.yaml"
"""Where MLflow looks for the environment in which it serves the model."""

_CODE = Path(__file__).with_name("served_model.py")
"""The code that answers requests, in place of MLflow's own, which knows no class names."""

_READER = Path(__file__).with_name("read_image.py")
"""The code that reads image files, as the scripts of an export do."""


def write(model_file: Path, folder: Path, example: npt.NDArray[np.uint8], requirements: list[str]) -> None:
    """Writes the ``.keras`` file ``model_file`` as an MLflow model to ``folder``, which must not exist yet.

    ``mlflow.keras`` loads it as the Keras model that it is. ``mlflow.pyfunc`` and ``mlflow models serve`` answer with
    one column of probabilities per class, for pixels and for image files in base64: see
    ``pipeline.export.served_model``. The signature takes images of all sizes that the model takes. ``example`` holds
    raw images, uint8 (n, height, width, channels), and is saved too. ``requirements`` are pip's; MLflow would need
    16.7 s to find them out (measured). MLflow's metadata of the model is convtune's.
    Raises ModelError when the file is not a model of convtune.
    """
    metadata = read_metadata(model_file)
    images = TensorSpec(example.dtype, _input_shape(model_file))
    probabilities = Schema([ColSpec(DataType.float, name) for name in metadata.classes])
    files = ParamSchema([ParamSpec("images", DataType.string, [""], shape=(-1,))])
    signature = ModelSignature(Schema([images]), probabilities, files)
    description = Model(signature=signature, metadata=metadata.as_dict())
    (folder / _DATA).mkdir(parents=True)
    _save_example(description, example, str(folder))
    shutil.copyfile(model_file, folder / _MODEL_FILE)
    (folder / _DATA / "keras_module.txt").write_text("keras")
    description.add_flavor("keras", data=_DATA, keras_version=version("keras"), save_exported_model=False)
    _write_environment(folder, requirements)
    _answer_with_class_names(description, folder)
    description.save(str(folder / "MLmodel"))


def required_packages() -> list[str]:
    """The packages that a written model needs, as pip names them; listed here, since MLflow would take 16 s."""
    return [f"{package}=={version(package)}" for package in ("keras", "tensorflow", "numpy", "pandas", "pillow")]


def _input_shape(model_file: Path) -> tuple[int, ...]:
    """The shape of the model's images, with -1 for any number; ModelError if its file does not tell."""
    try:
        with zipfile.ZipFile(model_file) as archive:
            layers = json.loads(archive.read("config.json"))["config"]["layers"]
        shape = next(layer["config"]["batch_shape"] for layer in layers if layer["class_name"] == "InputLayer")
    except (KeyError, TypeError, ValueError, StopIteration):
        raise ModelError(f"{model_file}: expected a functional Keras model, which begins with an input") from None
    return tuple(-1 if side is None else int(side) for side in shape)


def _write_environment(folder: Path, requirements: list[str]) -> None:
    with _errors_only():
        conda = _mlflow_conda_env(additional_pip_deps=list(requirements))  # type: ignore[no-untyped-call]
    (folder / _CONDA_FILE).write_text(yaml.safe_dump(conda))
    (folder / "requirements.txt").write_text("\n".join(conda["dependencies"][-1]["pip"]))
    _PythonEnv.current().to_yaml(str(folder / _PYTHON_FILE))  # type: ignore[no-untyped-call]


def _answer_with_class_names(description: Model, folder: Path) -> None:
    """Puts our code where the model is served."""
    for code in (_CODE, _READER):
        shutil.copyfile(code, folder / code.name)
    artifacts = {"model": _MODEL_FILE, "read_image": _READER.name}
    mlflow.pyfunc.add_to_model(
        description,
        loader_module=code_model.__name__,
        conda_env=_CONDA_FILE,
        python_env=_PYTHON_FILE,
        model_code_path=_CODE.name,
        artifacts={name: {"path": path, "uri": path} for name, path in artifacts.items()},
    )
    description.model_size_bytes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@contextmanager
def _errors_only() -> Iterator[None]:
    """Keeps MLflow's warnings out of the terminal: they are about arguments that are given here on purpose."""
    logger = logging.getLogger("mlflow")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
