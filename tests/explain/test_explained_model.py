"""A model file opened for an explanation."""

import keras
import numpy as np
import pytest

from pipeline.errors import JobError
from pipeline.explain import explained_model
from pipeline.explain.explained_model import open_model
from pipeline.training.grouped import GroupedConv2D
from pipeline.training.keras_model import to_array

IMAGES = np.random.default_rng(0).integers(0, 256, (2, 6, 6, 3), np.uint8)


def saved(folder, *first, dtype="float32"):
    image = keras.Input((6, 6, 3), dtype=dtype)
    tensor = image
    for layer in (*first, keras.layers.Conv2D(6, 3, name="conv")):
        tensor = layer(tensor)
    model = keras.Model(image, keras.layers.Dense(2, "softmax")(keras.layers.Flatten()(tensor)))
    model.save(folder / "m.keras")
    return model, folder / "m.keras"


def test_grouped_convolutions_give_the_same_however_they_are_computed(tmp_path, monkeypatch):
    grouped = keras.layers.Conv2D(6, 3, groups=3, strides=2, padding="same", name="grouped")
    model, path = saved(tmp_path, grouped, keras.layers.BatchNormalization(name="norm"))
    monkeypatch.setattr(explained_model, "groups_are_slow", lambda: True)
    opened = open_model(path, None, None)
    assert [type(step.operation) is GroupedConv2D for step in opened.convolutions] == [True, False]
    tensors = opened.run(IMAGES)
    expected = model.predict_on_batch(IMAGES / np.float32(255))
    np.testing.assert_allclose(opened.head.probabilities(tensors), expected, atol=1e-5)
    np.testing.assert_allclose(opened.predict(IMAGES), expected, atol=1e-5)
    assert opened.activation(opened.convolutions[0])[1] == ("norm",)


@pytest.mark.parametrize(
    ("first", "dtype", "pixel_range"),
    [
        ((), "float32", (0, 1)),
        ((keras.layers.Rescaling(1 / 255),), "uint8", (0, 255)),
        ((keras.layers.Rescaling(1 / 255),), "float32", (0, 255)),
        ((lambda image: image / 255,), "float32", (0, 255)),
        ((keras.applications.resnet50.preprocess_input,), "float32", (0, 255)),
        ((keras.layers.BatchNormalization(), keras.layers.Rescaling(2.0, offset=-1.0)), "float32", (0, 1)),
        ((keras.layers.Rescaling(0.1),), "float32", (0, 1)),
    ],
)
def test_how_pixels_enter_the_model(tmp_path, first, dtype, pixel_range):
    _, path = saved(tmp_path, *first, dtype=dtype)
    opened = open_model(path, None, None)
    assert opened.pixel_range == pixel_range
    entered = to_array(opened.run(IMAGES)[0])
    np.testing.assert_allclose(entered, IMAGES * np.float32(pixel_range[1] / 255), rtol=1e-6)
    if dtype == "uint8":
        with pytest.raises(JobError, match="takes pixels as they are"):
            open_model(path, None, (0, 1))
