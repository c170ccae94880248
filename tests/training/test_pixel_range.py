"""How the pixels of images enter a model."""

import keras
import numpy as np
import pytest
from keras import applications, layers, ops

from pipeline.job.job import PIXELS
from pipeline.training.pixel_form import PIXEL_RANGES, UnclearPixelsError
from pipeline.training.pixel_range import choose_pixels, find_unadapted

SHAPE = (8, 8, 3)


def chain(*steps):
    def run(x):
        for step in steps:
            x = step(x)
        return x

    return run


def within(*inside):
    return keras.Sequential([keras.Input(SHAPE), *inside])


def model_with(first, dtype="float32"):
    image = keras.Input(SHAPE, dtype=dtype)
    return keras.Model(image, layers.Dense(2)(layers.Flatten()(layers.Conv2D(4, 3)(first(image)))))


WHOLE = {
    "caffe": applications.resnet50.preprocess_input,
    "tf": applications.mobilenet_v2.preprocess_input,
    "torch": applications.densenet.preprocess_input,
    "operations": lambda x: ops.convert_to_tensor(ops.cast(x, "float32")) / 255,
    "after other moves": chain(lambda x: layers.Concatenate()([x[..., ::-1], x]), layers.Rescaling(1 / 255)),
    "a layer": layers.Rescaling(1 / 255),
    "to -1..1": layers.Rescaling(1 / 127.5, offset=-1),
    "of raw statistics": layers.Normalization(mean=[123.0, 116.0, 103.0], variance=[3300.0] * 3),
    "behind augmentation": chain(layers.RandAugment(value_range=(0, 255)), layers.Rescaling(1 / 255)),
    "augmentation alone": layers.RandomBrightness(0.2),
    "nested": within(layers.RandomFlip(), layers.RandomRotation(0.1), layers.Resizing(6, 6), layers.Rescaling(1 / 255)),
    "behind noise": chain(layers.GaussianNoise(0.1), layers.ZeroPadding2D(), lambda x: (x - 127.5) / 127.5),
    "behind batch norm": chain(layers.BatchNormalization(), layers.Rescaling(1 / 255)),
    "part of a network": within(layers.Identity(), within(layers.Rescaling(1 / 255), layers.Conv2D(3, 1))),
}
PART = {
    "nothing": lambda x: x,
    "augmentation of 0..1": layers.RandAugment(value_range=(0, 1)),
    "ImageNet's statistics": layers.Normalization(mean=[0.485, 0.456, 0.406], variance=[0.05] * 3),
    "0..1 to -1..1": layers.Rescaling(2.0, offset=-1.0),
    "a shift": lambda x: x - 0.5,
    "batch norm": layers.BatchNormalization(),
    "batch norm to -1..1": chain(layers.BatchNormalization(), layers.Rescaling(2.0, offset=-1.0)),
    "small factors behind a convolution": chain(layers.Conv2D(3, 1), layers.Rescaling(1 / 6), lambda x: x * 0.1 / 8),
}
NOT_CLEAR = {
    "Rescaling": layers.Rescaling(0.1),
    "Rescaling behind layers with weights": chain(layers.Conv2D(3, 1), layers.Rescaling(1 / 255)),
    "TrueDivide behind layers with weights": chain(layers.LayerNormalization(), lambda x: (x - 100) / 127.5),
    "Normalization behind layers with weights": chain(
        within(layers.Conv2D(3, 1)), layers.Normalization(mean=[123.0] * 3, variance=[3300.0] * 3)
    ),
}


@pytest.mark.parametrize(("first", "pixels"), [(name, "0..255") for name in WHOLE] + [(name, "0..1") for name in PART])
def test_a_model_that_scales_its_pixels_gets_them_whole(first, pixels):
    form = choose_pixels(model_with((WHOLE | PART)[first]), SHAPE)
    assert (form.range, form.divisor) == (pixels, PIXEL_RANGES[pixels]), form.reason


@pytest.mark.parametrize("scaling", NOT_CLEAR)
def test_the_range_is_asked_for_where_it_is_not_clear(scaling):
    model = model_with(NOT_CLEAR[scaling])
    with pytest.raises(UnclearPixelsError, match=rf"its {scaling} is for pixels of 0 to 1 or of 0 to 255$"):
        choose_pixels(model, SHAPE)
    assert choose_pixels(model, SHAPE, "0..1").range == "0..1"


def test_whole_numbers_are_given_as_they_are():
    whole = model_with(lambda x: ops.cast(x, "float32"), "uint8")
    assert choose_pixels(whole, SHAPE, "0..1").reason == "it takes whole numbers"


def test_a_normalization_without_statistics_is_found():
    assert find_unadapted(model_with(within(layers.Normalization(name="mine")))) == "mine"
    assert find_unadapted(model_with(WHOLE["of raw statistics"])) == ""
    assert find_unadapted(model_with(chain(layers.Rescaling(1 / 255), layers.Normalization()))) == ""
    (adapted := layers.Normalization()).adapt(np.full((2, *SHAPE), 100.0))
    assert find_unadapted(model_with(adapted)) == ""


def test_a_job_may_ask_for_each_range():
    assert ("auto", *PIXEL_RANGES) == PIXELS
