"""What every export format promises."""

import json
import subprocess
import sys

import numpy as np
import pytest

from pipeline.export import FORMATS, find_format, make_noise
from pipeline.study.model_metadata import read_metadata
from pipeline.training.predict import predict_arrays
from tests.export.added_format import ADDED
from tests.export.tiny_model import write_tiny_model


@pytest.fixture(scope="module", params=[1, 3])
def model(request, tmp_path_factory):
    return write_tiny_model(tmp_path_factory.mktemp("model") / "model.keras", shape=(8, 10, request.param))


@pytest.mark.parametrize("export_format", [*FORMATS.values(), ADDED], ids=[*FORMATS, "added"])
def test_it_gives_what_the_model_gives(export_format, model, tmp_path):
    target = tmp_path / export_format.file_name
    export_format.write(model, target)
    assert export_format.is_at(target)
    predict = export_format.load(target)
    for images in make_noise(read_metadata(model).shape):
        actual = predict(images)
        assert actual.dtype == np.float32
        np.testing.assert_allclose(actual, predict_arrays(model, images), atol=1e-6)


@pytest.mark.parametrize("export_format", [*FORMATS.values(), ADDED], ids=[*FORMATS, "added"])
def test_it_holds_the_metadata(export_format, model, tmp_path):
    target = tmp_path / export_format.file_name
    export_format.write(model, target)
    members = export_format.metadata(target)
    assert json.loads(json.dumps(members)) == json.loads(json.dumps(read_metadata(model).as_dict()))


@pytest.mark.parametrize("export_format", FORMATS.values(), ids=FORMATS)
def test_it_is_found(export_format, model, tmp_path):
    target = tmp_path / export_format.file_name
    assert find_format(target) is None
    export_format.write(model, target)
    assert find_format(target) is export_format


@pytest.mark.parametrize("name", FORMATS)
def test_its_usage_names_the_path(name):
    assert "exports/s" in FORMATS[name].usage.format(path="exports/s")


def test_a_format_has_one_name():
    assert all(export_format.name == name for name, export_format in FORMATS.items())


def test_names_of_targets_differ():
    assert len({export_format.file_name for export_format in FORMATS.values()}) == len(FORMATS)


def test_the_table_can_be_read_without_a_library():
    heavy = {"keras", "tensorflow", "numpy", "mlflow", "optuna", "yaml"}
    code = f"import sys, pipeline.export; print(*({heavy} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == ""
