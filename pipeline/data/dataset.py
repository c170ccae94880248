"""A dataset: images and labels in the cache, and the rows of its three splits."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from pipeline.data import cache
from pipeline.data.decode import Pixels
from pipeline.data.split import Rows, split


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled images, split.

    ``images`` is uint8 (n, h, w, c), memory-mapped and read-only; ``labels`` int64 (n,), each in 0..len(classes) - 1.
    ``train``, ``validation`` and ``test`` are sorted row numbers (int64), disjoint, together all n.
    ``source`` is what the user gave and ``name`` a short form of it. ``digest`` stands for pixels, labels, classes
    and the given splits, not for ``seed``, which decides the splits that were not given.
    Pickling carries the folder of the cache and no array: whoever unpickles opens the same files.
    """

    name: str
    source: str
    digest: str
    classes: tuple[str, ...]
    images: Pixels
    labels: NDArray[np.int64]
    train: Rows
    validation: Rows
    test: Rows
    seed: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels (1 or 3) of every image."""
        _, height, width, channels = self.images.shape
        return height, width, channels

    @property
    def folder(self) -> Path:
        """Where the arrays lie in the cache."""
        return Path(cast(str, cast("np.memmap[Any, Any]", self.images).filename)).parent

    def describe(self) -> str:
        """One line: number and shape of the images, classes, sizes of the splits."""
        size = "x".join(map(str, self.shape))
        return (
            f"{len(self.images):,} images {size}, {len(self.classes)} classes: "
            f"{len(self.train):,} train / {len(self.validation):,} validation / {len(self.test):,} test"
        )

    def __reduce__(self) -> tuple[Callable[..., "Dataset"], tuple[str, str, str, int]]:
        return open_cached, (str(self.folder), self.name, self.source, self.seed)


def open_cached(folder: str, name: str, source: str, seed: int) -> Dataset:
    """The dataset in a folder of the cache; a DataError when it is no longer there or damaged."""
    return from_entry(cache.read(Path(folder)), name, source, seed)


def from_entry(entry: cache.Entry, name: str, source: str, seed: int) -> Dataset:
    """The dataset of a cache entry, split by ``seed``; a DataError when a class has too few images."""
    rows = split(entry.labels, entry.given, entry.classes, seed, source)
    return Dataset(name, source, entry.digest, entry.classes, entry.images, entry.labels, *rows, seed)
