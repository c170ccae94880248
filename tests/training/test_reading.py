"""Batches that are only read."""

import pytest

from pipeline.training.reading import reading_batch_size


@pytest.mark.parametrize(("shape", "size"), [((8, 8, 1), 256), ((224, 224, 3), 111), ((20_000, 20_000, 3), 1)])
def test_large_images_come_in_small_batches(shape, size):
    assert reading_batch_size(shape) == size
