"""Every family, and layers that HyperModels have, in the formats that go through a converter."""

import keras
import numpy as np
import pytest
from keras import layers

from pipeline.candidate import design
from pipeline.export import export
from pipeline.export.samples import Samples
from pipeline.hypermodel.data_form import DataForm, Labels
from pipeline.hypermodel.inference_model import build_inference_model as build_users_model
from pipeline.space import load
from pipeline.study.model_metadata import ModelMetadata
from pipeline.training.build import build_inference_model
from pipeline.training.save import save

pytestmark = pytest.mark.slow

SHAPE, CLASSES = (32, 32, 3), tuple("abcde")
CONVERTED = ["onnx", "litert"]
ROUNDED = ["onnx-float16", "litert-int8"]
POINTS = {
    "alexnet": "alexnet-quarter",
    "vgg": "vgg11-eighth",
    "googlenet": "googlenet-eighth",
    "resnet": "resnet10-quarter",
    "resnext": "resnext14-quarter",
}
"""A point of each space; those of alexnet and resnext have grouped convolutions."""


def photographs(n=100):
    """Smooth coloured images: noise alone gives all networks about the same probabilities."""
    random = np.random.default_rng(0)
    coarse = random.integers(0, 256, (n, 4, 4, 3), np.uint8)
    return np.repeat(np.repeat(coarse, 8, axis=1), 8, axis=2)


def exported(model, folder, formats):
    metadata = ModelMetadata(CLASSES, SHAPE, "photos", "d", 0, "s", 0)
    save(model, folder / "model.keras", metadata)
    (folder / "out").mkdir()
    images = photographs()
    return export(folder / "model.keras", folder / "out", formats, Samples(images, None, "photographs", images[:30]))


@pytest.mark.parametrize("space", POINTS)
def test_a_network_of_each_space(space, tmp_path):
    """In float32 the export itself refuses what differs by more than 1e-4."""
    keras.utils.set_random_seed(0)
    candidate = design(load(space).start_from[POINTS[space]], SHAPE, len(CLASSES))
    model = build_inference_model(candidate.architecture, scale=[1 / 58.0] * 3, offset=[-2.0] * 3)
    for result in exported(model, tmp_path, CONVERTED):
        assert result.difference <= 1e-4
        assert result.agreement == 1


def test_layers_that_hypermodels_have(tmp_path):
    """GELU, grouped, dilated and separable convolutions, norms, attention, a nested model, the pixels of caffe."""
    keras.utils.set_random_seed(0)
    image = keras.Input(SHAPE)
    tensor = keras.applications.resnet50.preprocess_input(image)
    tensor = layers.RandomFlip()(layers.Rescaling(1 / 100)(tensor))
    tensor = layers.SeparableConv2D(16, 3, activation="gelu")(layers.Resizing(24, 28)(tensor))
    tensor = layers.Conv2D(32, 3, dilation_rate=2, padding="same", activation="silu", groups=4)(tensor)
    tensor = layers.GroupNormalization(4)(layers.DepthwiseConv2D(3, strides=2, padding="same")(tensor))
    gate = layers.Conv2D(32, 1, activation="sigmoid")(layers.GlobalAveragePooling2D(keepdims=True)(tensor))
    tensor = layers.LayerNormalization()(layers.Multiply()([tensor, gate]))
    tensor = layers.PReLU(shared_axes=[1, 2])(layers.Conv2DTranspose(16, 3, strides=2)(tensor))
    row = layers.Reshape((-1, 16))(layers.AveragePooling2D(4)(tensor))
    row = layers.GlobalMaxPooling1D()(layers.MultiHeadAttention(2, 8)(row, row))
    nested = keras.Sequential([layers.Dense(16, activation="elu"), layers.BatchNormalization()])
    model = keras.Model(image, layers.Dense(len(CLASSES))(nested(row)))
    form = DataForm(1.0, Labels.NUMBERS, len(CLASSES), logits=True)
    built = build_users_model(model, SHAPE, form, photographs(2).astype(np.float32))
    results = {result.format: result for result in exported(built, tmp_path, [*CONVERTED, *ROUNDED])}
    for name in CONVERTED:
        assert results[name].agreement == 1
    assert all(0 < results[name].difference < 0.2 for name in ROUNDED)
