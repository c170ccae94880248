"""The MLflow model that a worker writes."""

import numpy as np
import pytest

from pipeline.errors import ModelError
from pipeline.study.model_metadata import ModelMetadata, read_metadata

pytestmark = pytest.mark.slow

METADATA = ModelMetadata(("cat", "dog"), (8, 6, 3), "pets", "d" * 64, 0, "pets-quick", 3)


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    import keras

    from pipeline.training.save import save

    layers = [keras.layers.Rescaling(1 / 255), keras.layers.Flatten(), keras.layers.Dense(2, activation="softmax")]
    model = keras.Sequential([keras.Input((8, 6, 3), dtype="uint8"), *layers])
    file = tmp_path_factory.mktemp("best") / "best.keras"
    save(model, file, METADATA)
    return file


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (1, 8, 6, 3), np.uint8)


def test_it_loads_in_mlflow_and_answers_as_the_file_does(model_file, images, tmp_path):
    import mlflow.pyfunc

    from pipeline.export.mlflow_model import write
    from pipeline.training.save import load

    folder = tmp_path / "model"
    write(model_file, folder, images, ["keras==3.15.1", "numpy"])
    loaded = mlflow.pyfunc.load_model(str(folder))
    several = np.repeat(images, 3, axis=0)
    np.testing.assert_allclose(loaded.predict(several), load(model_file).predict(several, verbose=0), atol=1e-6)

    (inputs,) = loaded.metadata.signature.inputs.inputs
    (outputs,) = loaded.metadata.signature.outputs.inputs
    assert (inputs.type, inputs.shape) == (np.uint8, (-1, 8, 6, 3))
    assert (outputs.type, outputs.shape) == (np.float32, (-1, 2))
    np.testing.assert_array_equal(loaded.metadata.load_input_example(str(folder)), images)
    assert loaded.metadata.metadata["classes"] == ["cat", "dog"]
    requirements = (folder / "requirements.txt").read_text().split("\n")
    assert {"keras==3.15.1", "numpy"} <= set(requirements)


def test_the_file_inside_is_the_file_itself(model_file, images, tmp_path):
    from pipeline.export.mlflow_model import write

    write(model_file, tmp_path / "model", images, ["keras"])
    inside = tmp_path / "model" / "data" / "model.keras"
    assert inside.read_bytes() == model_file.read_bytes()
    assert read_metadata(inside) == METADATA


def test_a_file_that_is_not_a_model(images, tmp_path):
    from pipeline.export.mlflow_model import write

    (tmp_path / "best.keras").write_text("no model")
    with pytest.raises(ModelError, match=r"best\.keras"):
        write(tmp_path / "best.keras", tmp_path / "model", images, ["keras"])
    assert not (tmp_path / "model").exists()
