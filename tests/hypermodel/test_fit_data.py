"""What a ``fit`` may do to its images: whatever the validation and the saved model do too, and augmentation."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.ndimage import rotate
from sklearn.datasets import load_digits

from pipeline.hypermodel.fit_data import check_images, measure_levels
from pipeline.hypermodel.source import UntrainableError

DRAW = np.random.default_rng(0)
DIGITS = (load_digits().images[:64].reshape(-1, 8, 8, 1) / 16).astype(np.float32)
PICTURES = {
    "dark digits": np.pad(DIGITS, ((0, 0), (6, 6), (6, 6), (0, 0))),
    "white paper": 1 - np.pad(DIGITS, ((0, 0), (3, 3), (3, 3), (0, 0))) * 0.8,
    "photographs": np.clip(DRAW.normal(0.45, 0.25, (64, 8, 8, 3)), 0, 1).astype(np.float32),
    "dim ones": np.clip(DRAW.normal(0.1, 0.04, (64, 8, 8, 3)), 0, 1).astype(np.float32),
}


def each(low, high):
    """A number for each image."""
    return DRAW.uniform(low, high, (64, 1, 1, 1))


PREPROCESSING = {
    "to parts of 1": lambda x, white: x / 255,
    "to -1..1": lambda x, white: x * 2 / white - 1,
    "standardised": lambda x, white: (x - x.mean()) / x.std(),
    "each standardised": lambda x, white: (x - x.mean((1, 2, 3), keepdims=True)) / x.std((1, 2, 3), keepdims=True),
}
AUGMENTATION = {
    "nothing": lambda x, white: x,
    "part of them": lambda x, white: x[::3],
    "mirrored": lambda x, white: x[:, :, ::-1],
    "rotated": lambda x, white: np.stack(
        [rotate(one, angle, reshape=False, order=1) for one, angle in zip(x, TURNS, strict=True)]
    ),
    "brighter or darker": lambda x, white: x + each(-0.2, 0.2) * white,
    "clipped": lambda x, white: np.clip(x + each(-0.2, 0.2) * white, 0, white),
    "more or less contrast": lambda x, white: (x - x.mean()) * each(0.7, 1.3) + x.mean(),
    "noise": lambda x, white: x + DRAW.normal(0, 0.05 * white, x.shape),
    "mixed": lambda x, white: (m := each(0, 1)) * x + (1 - m) * x[::-1],
}
TURNS = DRAW.uniform(-20, 20, 64)


@pytest.mark.parametrize("white", [1.0, 255.0])
@pytest.mark.parametrize("pictures", PICTURES)
def test_a_fit_may_augment_its_images_but_not_preprocess_them(pictures, white):
    given = PICTURES[pictures] * white
    levels = measure_levels(given, len(given))
    for change in AUGMENTATION.values():
        check_images(change(given, white), len(given), levels, white)
    for name, change in PREPROCESSING.items():
        with pytest.raises(UntrainableError, match="preprocess them in build") as refused:
            pytest.fail(f"{name}: {check_images(change(given, white), len(given), levels, white)}")
        assert "\n" not in str(refused.value)


class Batches(keras.utils.PyDataset):
    def __init__(self, images):
        super().__init__()
        self._images = images

    def __len__(self):
        return 8

    def __getitem__(self, number):
        return self._images[number * 8 : number * 8 + 8], np.zeros(8)


def endless(images):
    while True:
        yield images[:16], np.zeros(16)


@pytest.mark.parametrize(
    "in_form",
    [
        tf.convert_to_tensor,
        lambda images: {"image": images},
        lambda images: tf.data.Dataset.from_tensor_slices((images, np.zeros(64))).shuffle(64).batch(8).repeat(),
        Batches,
        endless,
        lambda images: keras.src.legacy.preprocessing.image.ImageDataGenerator().flow(images, np.zeros(64)),
    ],
    ids=["tensor", "named", "tf.data", "PyDataset", "generator", "ImageDataGenerator"],
)
def test_images_are_judged_in_every_form_that_keras_takes(in_form):
    given = PICTURES["photographs"]
    levels = measure_levels(given, len(given))
    check_images(in_form(given), len(given), levels, 1.0)
    with pytest.raises(UntrainableError, match=r"trains on pixels mostly 0\.000\d+ to 0\.003\d* with the mean 0\.00"):
        check_images(in_form(given / 255), len(given), levels, 1.0)


def test_no_images_are_not_judged():
    assert measure_levels(None, 8) is None
    assert measure_levels(iter(()), 8) is None
