import numpy as np
import pytest

from pipeline.training.batches import ReadingBatches, reading_batch_size


@pytest.mark.parametrize(("shape", "size"), [((8, 8, 1), 256), ((224, 224, 3), 111), ((20_000, 20_000, 3), 1)])
def test_large_images_come_in_small_batches(shape, size):
    assert reading_batch_size(shape) == size


def test_validation_images_do_too():
    images = np.broadcast_to(np.uint8(0), (40, 1024, 1024, 3))
    batches = ReadingBatches(images, np.arange(40), np.zeros(40, np.int64), 2)
    assert [len(batches[position][0]) for position in range(len(batches))] == [5] * 8
