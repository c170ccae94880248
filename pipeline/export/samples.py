"""The images that an exported model is proven on, and those that a quantised one is calibrated with."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.data import Dataset

MOST, FEWEST = 500, 100
"""How many images an export is proven on, if the data has so many."""

_CALIBRATION = 200
"""How many training images a quantised format is calibrated with."""


@dataclass(frozen=True, eq=False)
class Samples:
    """Images as the network sees them, uint8 (n, height, width, channels), in random order.

    ``labels`` (n,) are their classes, None for images that were made up. ``source`` says in a few words what they are.
    ``calibration`` are other images of that shape, from the training set.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64] | None
    source: str
    calibration: NDArray[np.uint8]


def choose_samples(dataset: Dataset) -> Samples:
    """At most 500 validation images; where there are fewer than 100, test images and then training images too."""
    random = np.random.default_rng(0)
    rows, kinds = np.zeros(0, np.int64), list[str]()
    for kind, split in (("validation", dataset.validation), ("test", dataset.test), ("training", dataset.train)):
        if len(rows) < FEWEST and len(split):
            chosen = random.permutation(split)[: MOST - len(rows)]
            rows, kinds = np.concatenate([rows, chosen]), [*kinds, f"{len(chosen)} {kind}"]
    calibration = random.permutation(dataset.train if len(dataset.train) else rows)[:_CALIBRATION]
    *others, last = kinds
    listed = f"{', '.join(others)} and {last}" if others else last
    source = f"{listed} images of {dataset.name}"
    return Samples(dataset.images[rows], dataset.labels[rows], source, dataset.images[calibration])


def make_up_samples(shape: tuple[int, int, int]) -> Samples:
    """Images of random pixels, for a model whose data is not at hand."""
    images = np.random.default_rng(0).integers(0, 256, (FEWEST, *shape), np.uint8)
    return Samples(images, None, f"{FEWEST} images of random pixels", images)
