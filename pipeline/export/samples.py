"""The images that an exported model is proven on, and those that a quantised one is calibrated with."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.data import Dataset
from pipeline.data.decode import silence_pillow

MOST, FEWEST = 500, 100
"""How many images an export is proven on, if the data has so many."""

_FILES = 8
"""How many of their files are also read at their own size."""

_LARGEST = 25_000_000
"""The most pixels of such a file: Keras needs about 50 bytes for each of them."""

_CALIBRATION = 200
"""How many training images a quantised format is calibrated with."""


@dataclass(frozen=True, eq=False)
class Samples:
    """Images as the network sees them, uint8 (n, height, width, channels), in random order.

    ``labels`` (n,) are their classes, None for images that were made up. ``source`` says in a few words what they are.
    ``calibration`` are training images of that shape, none where the data has none; where it has few images, some of
    them are among ``images`` too. ``files`` are those of some of the ``images``, to be read at their own size.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64] | None
    source: str
    calibration: NDArray[np.uint8]
    files: Sequence[Path] = ()


def choose_samples(dataset: Dataset) -> Samples:
    """At most 500 validation images; where there are fewer than 100, test images and then training images too."""
    random = np.random.default_rng(0)
    rows, kinds = np.zeros(0, np.int64), list[str]()
    for kind, split in (("validation", dataset.validation), ("test", dataset.test), ("training", dataset.train)):
        if len(rows) < FEWEST and len(split):
            chosen = random.permutation(split)[: MOST - len(rows)]
            rows, kinds = np.concatenate([rows, chosen]), [*kinds, f"{len(chosen)} {kind}"]
    calibration = dataset.images[random.permutation(dataset.train)[:_CALIBRATION]]
    files = tuple(islice(_files(dataset, rows), _FILES))
    *others, last = kinds
    listed = f"{', '.join(others)} and {last}" if others else last
    own_size = f", {len(files)} of them also at their own size where a file takes any" if files else ""
    source = f"{listed} images of {dataset.name}{own_size}"
    return Samples(dataset.images[rows], dataset.labels[rows], source, calibration, files)


def _files(dataset: Dataset, rows: NDArray[np.int64]) -> Iterator[Path]:
    for row in rows:
        if (file := dataset.image_file(int(row))) is None:
            return
        with silence_pillow(), Image.open(file) as image:
            if image.width * image.height <= _LARGEST:
                yield file


def make_up_samples(shape: tuple[int, int, int]) -> Samples:
    """Images of random pixels, for a model whose data is not at hand: they prove a format, and calibrate none."""
    images = np.random.default_rng(0).integers(0, 256, (FEWEST, *shape), np.uint8)
    return Samples(images, None, f"{FEWEST} images of random pixels", images[:0])
