"""The model in operations that every runtime has."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.export.portable import _filters, _MatrixResizing

SIDES = st.integers(1, 70)


@settings(max_examples=40, deadline=None)
@given(SIDES, SIDES, SIDES, SIDES)
def test_the_matrices_resize_as_keras_does(height, width, new_height, new_width):
    images = np.random.default_rng(0).integers(0, 256, (2, height, width, 3)).astype(np.float32)
    expected = keras.layers.Resizing(new_height, new_width, antialias=True)(images)
    actual = _MatrixResizing(new_height, new_width)(images)
    np.testing.assert_allclose(actual, expected, atol=0.01)  # of 255


@pytest.mark.parametrize(("size", "new"), [(1, 1), (5, 5), (3, 100), (640, 32), (4000, 224)])
def test_each_new_pixel_is_an_average(size, new):
    weights = np.asarray(_filters(size, new))
    assert weights.shape == (new, size)
    assert weights.min() >= 0
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-5)


def test_the_same_size_stays_as_it_is():
    np.testing.assert_allclose(np.asarray(_filters(7, 7)), np.eye(7), atol=1e-6)
