"""The size of batches that are only read, not trained with."""

import math

_IMAGES = 256
"""The most images in such a batch."""
_BYTES = 16 << 20
"""The most bytes of pixels in such a batch, unless a single image has more."""


def reading_batch_size(shape: tuple[int, ...]) -> int:
    """The number of images of ``shape`` in a batch that is only read: 256, or as many as fit in 16 MiB of pixels.

    ``shape`` is (height, width, channels). The first layers of a network briefly need about a hundred times as much
    memory.
    """
    return max(1, min(_IMAGES, _BYTES // max(1, math.prod(shape))))
