"""Resamples of labelled images, as the number of times that each image is in each of them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int64]
"""Class numbers (n,)."""

Counts = NDArray[np.int32]
"""(n, resamples): how often an image is in a resample."""


def draw(labels: Labels, resamples: int, random: np.random.Generator) -> Counts:
    """Draws with replacement, from each class as many images as it has; ``labels`` are (n,)."""
    counts = np.empty((len(labels), resamples), np.int32)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        drawn = random.integers(0, len(rows), (resamples, len(rows)))
        cells = drawn + len(rows) * np.arange(resamples)[:, None]
        counts[rows] = np.bincount(cells.ravel(), minlength=counts[rows].size).reshape(resamples, -1).T
    return counts


def sum_by_class(counts: Counts, of: Labels, classes: int) -> NDArray[np.int64]:
    """The number of images of each class in each resample: (classes, resamples). ``of`` has the class of each image."""
    sums = np.zeros((classes, counts.shape[1]), np.int64)
    if len(of):
        order = np.argsort(of, kind="stable")
        present, starts = np.unique(of[order], return_index=True)
        sums[present] = np.add.reduceat(counts[order], starts, axis=0, dtype=np.int64)
    return sums


def mean_where(ratios: NDArray[Any], counted: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The mean of each column of ``ratios`` (classes, resamples) over the classes that are counted in it."""
    mean: NDArray[np.float64] = np.where(counted, ratios, 0.0).sum(axis=0) / counted.sum(axis=0)
    return mean
