"""The scale and offset that give the pixels of a dataset mean 0 and standard deviation 1, channel by channel."""

import math

import numpy as np
from numpy.typing import NDArray

from pipeline.data import Dataset

Channels = tuple[float, ...]
"""One number per channel."""

_SAMPLE = 64 << 20
"""The most bytes of pixels from which the mean and the deviation are computed."""
_BLOCK = 1 << 20
"""The most bytes of pixels that are read at once, unless a single image has more."""

_computed: dict[tuple[str, int], tuple[Channels, Channels]] = {}
"""Results of this process, by the digest of the dataset and the seed of its split."""


def compute_normalisation(dataset: Dataset) -> tuple[Channels, Channels]:
    """Scale and offset, so that pixel * scale + offset has mean 0 and deviation 1 over the training images.

    They come from at most 64 MiB of evenly spaced images. A deviation below one grey level counts as 1. Each process
    computes them once per dataset and split.
    """
    key = dataset.digest, dataset.seed
    if key not in _computed:
        counts, levels = _histogram(dataset), np.arange(256.0)
        pixels = counts.sum(axis=1)
        mean = counts @ levels / pixels
        variance = (counts * (levels - mean[:, None]) ** 2).sum(axis=1) / pixels
        deviation = np.sqrt(np.maximum(variance, 1.0))  # a constant channel must not cause a division by zero
        _computed[key] = tuple((1 / deviation).tolist()), tuple((-mean / deviation).tolist())
    return _computed[key]


def _histogram(dataset: Dataset) -> NDArray[np.float64]:
    """How many pixels of a sample of the training images have each level: (channels, 256)."""
    size, channels = math.prod(dataset.shape), dataset.shape[2]
    sample = min(len(dataset.train), max(1, _SAMPLE // size))
    rows = dataset.train[np.arange(sample) * len(dataset.train) // sample]
    counts, block = np.zeros((channels, 256)), max(1, _BLOCK // size)
    for start in range(0, sample, block):
        images = dataset.images[rows[start : start + block]]
        for channel in range(channels):
            counts[channel] += np.bincount(images[..., channel].ravel(), minlength=256)
    return counts
