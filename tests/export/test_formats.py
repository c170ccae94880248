"""What every export format promises."""

import subprocess
import sys

import numpy as np
import pytest

from pipeline import model_card
from pipeline.export import FORMATS, noise
from pipeline.training.predict import probabilities
from tests.export.tiny_model import write_tiny_model


@pytest.fixture(scope="module", params=[1, 3])
def model(request, tmp_path_factory):
    return write_tiny_model(tmp_path_factory.mktemp("model") / "model.keras", shape=(8, 10, request.param))


@pytest.mark.parametrize("name", FORMATS)
def test_it_gives_what_the_model_gives(name, model, tmp_path):
    form = FORMATS[name]
    target = tmp_path / form.name
    form.write(model, target)
    assert target.exists()
    for images in noise(model_card.get(model).shape):
        found = form.run(target, images)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, probabilities(model, images), atol=1e-6)


@pytest.mark.parametrize("name", FORMATS)
def test_its_use_names_the_path(name):
    assert "exports/s" in FORMATS[name].use.format(path="exports/s")


def test_names_of_targets_differ():
    assert len({form.name for form in FORMATS.values()}) == len(FORMATS)


def test_the_table_can_be_read_without_keras_or_tensorflow():
    code = "import sys, pipeline.export; sys.exit(bool({'keras', 'tensorflow'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
