"""Pixels of any scale, fed to a model that users get."""

import keras
import numpy as np
import pytest

from pipeline.training.pixels import NAME, as_raw_pixels

RANDOM = np.random.default_rng(0)
PHOTO = RANDOM.integers(0, 256, (7, 9, 3), np.uint8)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """The check alone, saved and loaded without convtune's help."""
    images = keras.Input((None, None, 3), dtype="float32")
    file = tmp_path_factory.mktemp("model") / "m.keras"
    keras.Model(images, as_raw_pixels(images)).save(file)
    return keras.saving.load_model(file, safe_mode=True)


def pixels(model, *images):
    return np.asarray(model(np.stack(images)))


@pytest.mark.parametrize("raw", [PHOTO, PHOTO * 0, PHOTO // 128, PHOTO // 255, PHOTO * 0 + 255, PHOTO | 1])
@pytest.mark.parametrize("dtype", ["uint8", "int32", "float32", "float64"])
def test_whole_numbers_from_0_to_255_stay(model, raw, dtype):
    np.testing.assert_array_equal(pixels(model, raw.astype(dtype)), raw[None])


def test_each_image_is_scaled_by_itself(model):
    dark, bright = np.full_like(PHOTO, 3), np.full_like(PHOTO, 250)
    images = [PHOTO / 255, dark / 255, bright / 255, PHOTO, dark, PHOTO * 0]
    raw = np.stack([PHOTO, dark, bright, PHOTO, dark, PHOTO * 0])
    np.testing.assert_allclose(pixels(model, *images), raw, atol=1e-3)


def test_what_a_filter_gives_beyond_the_range_is_no_other_scale(model):
    beyond = np.clip(PHOTO * 1.2 - 25.5, -20, 275)
    np.testing.assert_allclose(pixels(model, beyond, beyond / 255), np.stack([beyond] * 2), atol=1e-3)


def test_it_is_one_layer_of_a_model(model):
    assert [layer.name for layer in model.layers][1:] == [NAME]


def test_it_stays_float32_whatever_the_policy():
    keras.config.set_dtype_policy("mixed_bfloat16")
    images = keras.Input((None, None, 3), dtype="float32")
    model = keras.Model(images, as_raw_pixels(images))
    keras.config.set_dtype_policy("float32")
    np.testing.assert_array_equal(pixels(model, PHOTO), PHOTO[None])
