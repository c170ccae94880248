"""Every family, and a HyperModel, in every format."""

from pathlib import Path

import keras
import numpy as np
import pytest

from pipeline.candidate import design
from pipeline.export import FORMATS, export
from pipeline.export.samples import Samples
from pipeline.hypermodel.data_form import data_form
from pipeline.hypermodel.inference_model import build_inference_model as build_users_model
from pipeline.hypermodel.loader import hyperparameters_with
from pipeline.hypermodel.probe import probe
from pipeline.hypermodel.source import HyperModelSource
from pipeline.space import load
from pipeline.study.model_metadata import ModelMetadata
from pipeline.training.build import build_inference_model
from pipeline.training.save import save
from tests.export.image_files import photograph
from tests.hypermodel.tiny_data import tiny_data

pytestmark = pytest.mark.slow

SHAPE, CLASSES = (32, 32, 3), tuple("abcde")
POINTS = {
    "alexnet": ("alexnet-quarter", {"blocks": 2, "pool_size_2": 2}),
    "googlenet": ("googlenet-eighth", {"stages": 1}),
    "resnet": ("resnet10-quarter", {"stages": 1}),
    "resnext": ("resnext14-quarter", {"stages": 1}),
}
"""Points with layers of every kind, and what makes them small; alexnet and resnext have grouped convolutions.

A vgg has nothing but convolutions and pools of alexnet's kinds.
"""

CONVERTED = [name for name in FORMATS if name != "keras"]
"""The formats but for Keras's own, which is a copy."""


@pytest.fixture(scope="module")
def samples():
    """Noise alone gives all networks about the same probabilities."""
    images = np.stack([photograph(*SHAPE[:2], seed) for seed in range(32)])
    return Samples(images, None, "photographs", images[:10])


def check_every_format(model, folder, samples):
    """In float32 the export itself refuses what differs by more than 1e-4."""
    metadata = ModelMetadata(CLASSES, SHAPE, "photos", "d", 0, "s", 0)
    save(model, folder / "model.keras", metadata)
    (folder / "out").mkdir()
    for result in export(folder / "model.keras", folder / "out", CONVERTED, samples):
        if not FORMATS[result.format].exact:
            assert 0 < result.difference < (0.1 if "int8" in result.format else 0.005), result


@pytest.mark.parametrize("space", POINTS)
def test_a_network_of_each_kind(space, tmp_path, samples):
    keras.utils.set_random_seed(0)
    point, smaller = POINTS[space]
    candidate = design({**load(space).start_from[point], **smaller}, SHAPE, len(CLASSES))
    model = build_inference_model(candidate.architecture, scale=[1 / 58.0] * 3, offset=[-2.0] * 3)
    check_every_format(model, tmp_path, samples)


def test_a_hypermodel(tmp_path, samples):
    source = HyperModelSource(str(Path(__file__).with_name("hyper_model.py")), "build", SHAPE, len(CLASSES))
    data = tiny_data(SHAPE, len(CLASSES))
    model = probe(source, data, hyperparameters_with({"filters": 16})).model
    form = data_form(model, data, source.pixels)
    users_model = build_users_model(model, SHAPE, form, form.form_images(data.images[data.validation]))
    check_every_format(users_model, tmp_path, samples)
