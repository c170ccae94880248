"""How the pixels of images enter a model."""

import keras
import pytest
from keras import applications, layers, ops

from pipeline.hypermodel.pixels import choose_pixels
from pipeline.hypermodel.source import PIXEL_RANGES, UntrainableError
from pipeline.job.job import PIXELS

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
    "a layer": layers.Rescaling(1 / 255),
    "to -1..1": layers.Rescaling(1 / 127.5, offset=-1),
    "of raw statistics": layers.Normalization(mean=[123.0, 116.0, 103.0], variance=[3300.0] * 3),
    "behind augmentation": chain(layers.RandAugment(value_range=(0, 255)), layers.Rescaling(1 / 255)),
    "augmentation alone": layers.RandomBrightness(0.2),
    "nested": within(layers.RandomFlip(), layers.RandomRotation(0.1), layers.Resizing(6, 6), layers.Rescaling(1 / 255)),
    "behind noise": chain(layers.GaussianNoise(0.1), layers.ZeroPadding2D(), lambda x: (x - 127.5) / 127.5),
    "part of a network": within(layers.Identity(), within(layers.Rescaling(1 / 255), layers.Conv2D(3, 1))),
}
PART = {
    "nothing": lambda x: x,
    "augmentation of 0..1": layers.RandAugment(value_range=(0, 1)),
    "ImageNet's statistics": layers.Normalization(mean=[0.485, 0.456, 0.406], variance=[0.05] * 3),
    "0..1 to -1..1": layers.Rescaling(2.0, offset=-1.0),
    "a shift": lambda x: x - 0.5,
    "batch norm": layers.BatchNormalization(),
    "behind a convolution": chain(layers.Conv2D(3, 1), layers.Rescaling(1 / 255)),
}


@pytest.mark.parametrize(("first", "pixels"), [(name, "0..255") for name in WHOLE] + [(name, "0..1") for name in PART])
def test_a_model_that_scales_its_pixels_gets_them_whole(first, pixels):
    form = choose_pixels(model_with((WHOLE | PART)[first]), SHAPE)
    assert (form.range, form.divisor) == (pixels, PIXEL_RANGES[pixels]), form.reason


def test_the_range_is_asked_for_where_it_is_not_clear_and_may_be_given():
    model = model_with(layers.Rescaling(0.1))
    with pytest.raises(UntrainableError, match=r"its Rescaling is for .*; give --pixels 0\.\.1 or --pixels 0\.\.255"):
        choose_pixels(model, SHAPE)
    assert choose_pixels(model, SHAPE, "0..1").range == "0..1"
    whole = model_with(lambda x: ops.cast(x, "float32"), "uint8")
    assert choose_pixels(whole, SHAPE, "0..1").reason == "it takes whole numbers"


def test_a_job_may_ask_for_each_range():
    assert ("auto", *PIXEL_RANGES) == PIXELS
