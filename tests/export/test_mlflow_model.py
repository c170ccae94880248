"""The MLflow model that a worker writes."""

import base64
import io
import json
import socket
import threading
import urllib.error
import urllib.request

import numpy as np
import pytest
import uvicorn
from mlflow.exceptions import MlflowException
from PIL import Image

from pipeline.data.decode import decode
from pipeline.errors import ModelError
from pipeline.study.model_metadata import ModelMetadata, read_metadata
from pipeline.training.predict import predict_arrays
from tests.export.image_files import save_deep
from tests.export.tiny_model import write_tiny_model

pytestmark = pytest.mark.slow

OTHERS = {"dataset": "pets", "digest": "d" * 64, "seed": 0, "study": "pets-quick", "trial": 3, "white": 4095}
METADATA = ModelMetadata(("cat", "dog"), (8, 6, 3), **OTHERS)


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    shape = METADATA.shape
    return write_tiny_model(tmp_path_factory.mktemp("best") / "best.keras", METADATA.classes, shape, **OTHERS)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (1, 8, 6, 3), np.uint8)


@pytest.fixture(scope="module")
def folder(model_file, images, tmp_path_factory):
    from pipeline.export.mlflow_model import write

    folder = tmp_path_factory.mktemp("mlflow") / "model"
    write(model_file, folder, images, ["keras==3.15.1", "numpy"])
    return folder


@pytest.fixture(scope="module")
def loaded(folder):
    import mlflow.pyfunc

    return mlflow.pyfunc.load_model(str(folder))


def test_it_loads_in_mlflow_and_answers_as_the_file_does(folder, loaded, model_file, images):
    import mlflow.keras

    from pipeline.training.save import load

    several = np.repeat(images, 3, axis=0)
    answer = loaded.predict(several)
    assert list(answer.columns) == ["cat", "dog"]
    expected = load(model_file).predict(several, verbose=0)
    np.testing.assert_allclose(answer, expected, atol=1e-6)
    np.testing.assert_allclose(mlflow.keras.load_model(str(folder)).predict(several, verbose=0), expected, atol=1e-6)

    (inputs,) = loaded.metadata.signature.inputs.inputs
    assert (inputs.type, inputs.shape) == (np.uint8, (-1, -1, -1, 3))
    assert loaded.metadata.signature.outputs.input_names() == ["cat", "dog"]
    np.testing.assert_array_equal(loaded.metadata.load_input_example(str(folder)), images)
    assert loaded.metadata.metadata["classes"] == ["cat", "dog"]
    requirements = (folder / "requirements.txt").read_text().split("\n")
    assert {"keras==3.15.1", "numpy"} <= set(requirements)
    for code in ("served_model.py", "read_image.py"):
        assert "pipeline" not in (folder / code).read_text()


def test_pictures_of_different_sizes(loaded):
    pictures = np.empty(2, object)
    pictures[:] = [np.full((5, 9, 3), 250, np.uint8), np.full((30, 20, 3), 9, np.uint8)]
    answer = loaded.predict(pictures)
    assert list(answer["cat"] > answer["dog"]) == [False, True]


@pytest.fixture(scope="module")
def served(loaded):
    """Posts JSON to MLflow's scoring server, which serves the model on this machine; returns status and answer."""
    from mlflow.pyfunc import scoring_server

    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"http://127.0.0.1:{listening.getsockname()[1]}/invocations"
        server = uvicorn.Server(uvicorn.Config(scoring_server.init(loaded), log_level="error"))
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()

        def post(**content):
            data, kind = json.dumps(content).encode(), {"Content-Type": "application/json"}
            try:
                with urllib.request.urlopen(urllib.request.Request(address, data, kind), timeout=60) as answer:
                    return answer.status, json.load(answer)
            except urllib.error.HTTPError as error:
                return error.code, error.read().decode()

        yield post
        server.should_exit = True
        thread.join(60)


@pytest.mark.parametrize("key", ["instances", "inputs"])
def test_the_server_answers_a_picture_of_another_size_with_class_names(served, key):
    dark = np.full((1, 40, 30, 3), 9).tolist()
    status, answer = served(**{key: dark})
    (row,) = answer["predictions"]
    assert (status, list(row)) == (200, ["cat", "dog"])
    assert row["cat"] > 0.5
    assert sum(row.values()) == pytest.approx(1)


ANYTHING = [[[[0, 0, 0]]]]
"""Pixels that are not looked at where image files are given; MLflow answers no request without any."""


def as_file(pixels, kind):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind)
    return base64.b64encode(stream.getvalue()).decode()


def test_the_server_answers_image_files(served):
    dark, bright = np.full((40, 30, 3), 9, np.uint8), np.full((20, 60, 3), 250, np.uint8)
    status, answer = served(inputs=ANYTHING, params={"images": [as_file(dark, "PNG"), as_file(bright, "JPEG")]})
    assert status == 200
    assert [row["cat"] > row["dog"] for row in answer["predictions"]] == [True, False]
    _, of_pixels = served(inputs=dark[None].tolist())
    assert answer["predictions"][0] == pytest.approx(of_pixels["predictions"][0])


def test_it_reads_pictures_of_more_than_8_bits_as_training_does(loaded, model_file, tmp_path):
    files = save_deep(tmp_path, 8, 6)
    encoded = [base64.b64encode(file.read_bytes()).decode() for file in files]
    answer = loaded.predict(np.zeros((1, 1, 1, 3), np.uint8), params={"images": encoded})
    decoded = np.stack([decode(file, METADATA.shape, 4095) for file in files])
    np.testing.assert_allclose(answer, predict_arrays(model_file, decoded), atol=1e-6)


@pytest.mark.parametrize("file", ["no base64!", base64.b64encode(b"no image").decode()])
def test_the_server_refuses_what_is_no_image_file(served, file):
    status, answer = served(inputs=ANYTHING, params={"images": [file]})
    assert status == 400
    assert "images: expected image files in base64" in answer


def test_pixels_from_0_to_1_are_refused(served, loaded, images):
    status, answer = served(instances=(images / 255).tolist())
    assert status == 400
    assert "expected pixels from 0 to 255, got none above 1" in answer
    with pytest.raises(MlflowException, match="dtype of input float64 does not match expected dtype uint8"):
        loaded.predict(images / 255)


def test_the_file_inside_is_the_file_itself(folder, model_file):
    inside = folder / "data" / "model.keras"
    assert inside.read_bytes() == model_file.read_bytes()
    assert read_metadata(inside) == METADATA


def test_a_file_that_is_not_a_model(images, tmp_path):
    from pipeline.export.mlflow_model import write

    (tmp_path / "best.keras").write_text("no model")
    with pytest.raises(ModelError, match=r"best\.keras"):
        write(tmp_path / "best.keras", tmp_path / "model", images, ["keras"])
    assert not (tmp_path / "model").exists()
