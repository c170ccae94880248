import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from pipeline.data import load
from pipeline.training.normalisation import compute_normalisation


@pytest.fixture
def digits():
    return load("digits", seed=0, fetch=lambda name, folder: None)


def test_it_gives_mean_zero_and_deviation_one(digits):
    scale, offset = compute_normalisation(digits)
    pixels = digits.images[digits.train] * scale[0] + offset[0]
    assert pixels.mean() == pytest.approx(0, abs=1e-6)
    assert pixels.std() == pytest.approx(1, abs=1e-6)


def test_many_large_images_are_sampled_in_little_memory(digits):
    """Twenty thousand photos, 12 GB of pixels: each has one colour in red and green, and blue is the same in all."""
    count, colours = 20_000, np.random.default_rng(0).integers(0, 256, (20_000, 1, 1, 3), np.uint8)
    colours[..., 2] = 7
    images = np.broadcast_to(colours, (count, 448, 448, 3))
    data = replace(digits, images=images, train=np.arange(0, count, 2), digest="photos")
    tracemalloc.start()
    try:
        scale, offset = compute_normalisation(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 50 << 20
    mean, deviation = -np.array(offset) / np.array(scale), 1 / np.array(scale)
    exact = colours[::2, 0, 0].astype(float)
    np.testing.assert_allclose(mean, exact.mean(axis=0), atol=15)  # of 111 of the images
    np.testing.assert_allclose(deviation, [*exact.std(axis=0)[:2], 1.0], rtol=0.15)
    assert compute_normalisation(replace(data, images=images[:0])) is compute_normalisation(data)  # computed once
