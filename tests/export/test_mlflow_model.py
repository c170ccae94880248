"""The MLflow model that a worker writes."""

import base64
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from PIL import Image

from pipeline.data.decode import decode
from pipeline.errors import ModelError
from pipeline.metrics import ACCURACY
from pipeline.study.model_metadata import ModelMetadata, read_metadata
from pipeline.tracking import Registration, connect
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


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


@pytest.fixture(scope="module")
def store(empty_store, tmp_path_factory):
    return f"sqlite:///{shutil.copy(empty_store, tmp_path_factory.mktemp('store'))}"


@pytest.fixture(scope="module")
def registered(folder, store):
    """The name in the registry under which the model is pushed, as the champion."""
    registration = Registration("our pets", "mine", 0.9, ACCURACY, "d", {"study": "mine", "trial": "3"})
    with closing(connect(store)) as tracker:
        tracker.push(folder, registration, "champion", None)
    return registration.name


@pytest.fixture(scope="module")
def served(registered, store, tmp_path_factory):
    """Posts JSON to what MLflow's own command serves, in a folder without convtune; returns status and answer."""
    port = str(free_port())
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", f"models:/{registered}@champion"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= {"MLFLOW_TRACKING_URI": store, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    with (elsewhere / "server.log").open("w") as log:
        server = subprocess.Popen(
            [*command, "--env-manager", "local", "--port", port],
            env=environment,
            cwd=elsewhere,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        wait_for(f"http://127.0.0.1:{port}/ping", server, elsewhere / "server.log")
        yield partial(post, f"http://127.0.0.1:{port}/invocations")
    finally:
        with suppress(ProcessLookupError):  # it has ended itself
            os.killpg(server.pid, signal.SIGTERM)
        server.wait(60)


def wait_for(address, server, log):
    until = time.monotonic() + 300
    while server.poll() is None and time.monotonic() < until:
        with suppress(OSError), urllib.request.urlopen(address, timeout=5):
            return
        time.sleep(0.2)
    pytest.fail(f"nothing answers at {address}:\n{log.read_text()}")


def post(address, body=None, **content):
    """``body`` is the request as it is, else it is ``content``."""
    data, kind = (body or json.dumps(content)).encode(), {"Content-Type": "application/json"}
    try:
        with urllib.request.urlopen(urllib.request.Request(address, data, kind), timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@pytest.mark.parametrize(("key", "size"), [("instances", (40, 30)), ("inputs", (40, 30)), ("inputs", (9, 70))])
def test_the_server_answers_a_picture_of_any_size_with_class_names(served, key, size):
    dark = np.full((1, *size, 3), 9).tolist()
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


def test_the_command_of_the_registry_sends_an_image_file(served, registered, store, tmp_path):
    """The line in the description, without curl at its end: what that would send is posted."""
    description = MlflowClient(store).get_registered_model(registered).description
    lines = [line.strip() for line in description.splitlines() if line.startswith("    ")]
    assert lines[0] == "mlflow models serve -m 'models:/our pets/1' --env-manager local --port 5001"
    Image.effect_noise((600, 500), 90).save(tmp_path / "photo.jpg", quality=95)  # more than an argument may hold
    body, curl = lines[1].split(" | curl ")
    assert curl == "http://127.0.0.1:5001/invocations -H 'Content-Type: application/json' -d @-"
    sent = subprocess.run(["sh", "-c", body], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert len(sent) > 2**17
    status, answer = served(sent)
    assert (status, [list(row) for row in answer["predictions"]]) == (200, [["cat", "dog"]])


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
    assert "no pixel above 1: multiply pixels from 0 to 1 by 255, send pictures that are black as image files" in answer
    with pytest.raises(MlflowException, match="dtype of input float64 does not match expected dtype uint8"):
        loaded.predict(images / 255)


def test_black_pictures_are_answered_as_image_files(served):
    black = np.zeros((20, 30, 3), np.uint8)
    for request in ({"inputs": black[None].tolist()}, {"inputs": ANYTHING}, {"inputs": ANYTHING, "params": {}}):
        status, answer = served(**request)
        assert (status, "or image files in base64 in params.images; got no such file" in answer) == (400, True)
    status, answer = served(inputs=ANYTHING, params={"images": [as_file(black, "PNG")]})
    assert (status, answer["predictions"][0]["cat"] > 0.5) == (200, True)


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
