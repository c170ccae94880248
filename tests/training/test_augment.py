import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.recipe import Recipe
from pipeline.training.augment import augment, cutout, flip, shift


def images(n=64, height=12, width=10, channels=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, height, width, channels), dtype=np.uint8)


def test_flip_mirrors_about_half_and_leaves_the_rest():
    before = images(400)
    after = flip(before, np.random.default_rng(1))
    mirrored = (after == before[:, :, ::-1]).all(axis=(1, 2, 3))
    same = (after == before).all(axis=(1, 2, 3))
    assert (mirrored ^ same).all()
    assert 150 < mirrored.sum() < 250


@given(st.floats(0.05, 0.5), st.integers(0, 99))
def test_shift_moves_every_image_by_at_most_its_share(share, seed):
    before = images(8, 16, 16, 1, seed)
    after = shift(before, share, np.random.default_rng(seed))
    reach = round(16 * share)
    for old, new in zip(before, after, strict=True):
        assert any(
            (new == _moved(old, dy, dx)).all() for dy in range(-reach, reach + 1) for dx in range(-reach, reach + 1)
        )


def _moved(image, dy, dx):
    rows = np.clip(np.arange(image.shape[0]) + dy, 0, image.shape[0] - 1)
    columns = np.clip(np.arange(image.shape[1]) + dx, 0, image.shape[1] - 1)
    return image[rows][:, columns]


@given(st.floats(0.1, 0.9), st.integers(0, 99))
def test_cutout_covers_at_most_one_square(share, seed):
    before = images(8, 20, 14, 3, seed)
    after = cutout(before, share, np.random.default_rng(seed))
    side = round(14 * share)
    for old, new in zip(before, after, strict=True):
        rows, columns = np.nonzero((old != new).any(axis=2))
        if len(rows):
            assert np.ptp(rows) < side
            assert np.ptp(columns) < side


def test_cutout_fills_with_the_mean_colour():
    before = np.full((1, 8, 8, 2), (10, 200), dtype=np.uint8)
    before[0, :4] = (30, 100)
    after = cutout(before, 0.9, np.random.default_rng(0))
    changed = after[(after != before).any(axis=3)]
    assert len(changed)
    assert (changed == (20, 150)).all()


@pytest.mark.parametrize("params", [{}, {"flip": True, "shift": 0.2, "cutout": 0.3}])
def test_the_input_is_never_written_to(params):
    before = images()
    before.flags.writeable = False
    after = augment(before, Recipe.from_params(params), np.random.default_rng(0))
    assert after.shape == before.shape
    assert after.dtype == np.uint8
    assert (after is before) == (not params)
