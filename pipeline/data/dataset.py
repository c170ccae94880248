"""A dataset: images and labels in the cache, and the rows of its three splits."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from pipeline.data.cache_entry import CacheEntry, content_of, read_entry, read_file_names
from pipeline.data.decode import Pixels, Shape
from pipeline.data.held_entry import HeldEntry
from pipeline.data.listing import Listing
from pipeline.data.listing_notes import name_some
from pipeline.data.split import TEST, VALIDATION, Rows, split_rows
from pipeline.errors import DataError, MachineError, printable
from pipeline.study.data_facts import DataFacts

_MAX_CLASSES = 12
"""Classes that are listed with their counts."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled images, split.

    ``images`` is uint8 (n, height, width, channels), memory-mapped and read-only; ``labels`` is int64 (n,), each in
    0..len(classes) - 1. ``train``, ``validation`` and ``test`` are sorted row numbers, int64; they are disjoint and
    together all n rows. ``source`` is what the user gave and ``name`` a short form of it. ``digest`` stands for
    pixels, labels, classes and the given splits, but not for ``seed``, which decides the splits that are not given.

    ``held`` holds its entry in the cache (None for arrays that are in none). ``listing`` is what its source had when it
    was loaded (None in a worker).

    A pickled dataset carries the folder of its cache entry and no arrays: the process that unpickles it opens the
    same files. So pickling writes them again where somebody has removed them.
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
    held: HeldEntry | None = None
    listing: Listing | None = None

    @property
    def shape(self) -> Shape:
        """Height, width and channels (1 or 3) of every image."""
        _, height, width, channels = self.images.shape
        return height, width, channels

    @property
    def folder(self) -> Path:
        """The folder of its arrays in the cache."""
        return Path(cast(str, cast("np.memmap[Any, Any]", self.images).filename)).parent

    @cached_property
    def entry(self) -> CacheEntry:
        """Its entry in the cache, which also has the given splits, the copies and the range of the pixels."""
        return read_entry(self._restored_folder())

    @property
    def white(self) -> int | None:
        """The stored value that became 255 where pixels have more than 8 bits, else None."""
        white = self.entry.white
        return white if white is not None and white > 255 else None

    def image_name(self, row: int) -> str:
        """The path of an image below the dataset's folder, or its number where images come from arrays."""
        return printable(self._file_names[row]) if self._file_names else f"image {row}"

    def image_file(self, row: int) -> Path | None:
        """The file of an image; None where images come from arrays."""
        return Path(self.source).expanduser().resolve() / self._file_names[row] if self._file_names else None

    @cached_property
    def _file_names(self) -> list[str]:
        return read_file_names(self._restored_folder())

    @property
    def content(self) -> str:
        """A key of its files or arrays, labels and given splits: the same whatever the images are resized to."""
        return content_of(self.folder)

    @property
    def split(self) -> str:
        """What divides the images: ``given`` where validation and test images are, else ``seed 0`` or another."""
        given = {VALIDATION, TEST} <= set(np.unique(self.entry.given_splits).tolist())
        return "given" if given else f"seed {self.seed}"

    @property
    def facts(self) -> DataFacts:
        """The facts of it that a study notes."""
        sizes = {"train": len(self.train), "validation": len(self.validation), "test": len(self.test)}
        return DataFacts(self.name, self.source, self.digest, self.shape, self.classes, sizes)

    def describe(self) -> str:
        """One line: number and shape of the images, number of classes, sizes of the splits."""
        size = "x".join(map(str, self.shape))
        return (
            f"{len(self.images):,} images {size}, {len(self.classes)} classes: "
            f"{len(self.train):,} train / {len(self.validation):,} validation / {len(self.test):,} test"
        )

    def describe_classes(self) -> str:
        """One line: the classes and how many images each has.

        For example ``classes: cat (120), dog (118)``.
        """
        counts = np.bincount(self.labels, minlength=len(self.classes)).tolist()
        names = [f"{name} ({count:,})" for name, count in zip(self.classes, counts, strict=True)]
        return f"classes: {name_some(names, _MAX_CLASSES)}"

    def __reduce__(self) -> tuple[Callable[..., "Dataset"], tuple[Path, str, str, int]]:
        return open_cached, (self._restored_folder(), self.name, self.source, self.seed)

    def _restored_folder(self) -> Path:
        if self.held is not None:
            self.held.restore()
        return self.folder


def open_cached(folder: Path, name: str, source: str, seed: int) -> Dataset:
    """Opens the dataset in a folder of the cache, in a worker.

    MachineError if the folder is missing or damaged, which says nothing about the task that needs it.
    """
    try:
        return split_entry(read_entry(folder), name, source, seed)
    except DataError as error:
        raise MachineError(str(error)) from None


def split_entry(entry: CacheEntry, name: str, source: str, seed: int) -> Dataset:
    """The dataset of a cache entry, split by ``seed``."""
    splits = split_rows(entry.labels, entry.given_splits, entry.copy_of, seed)
    held = HeldEntry(entry.folder)
    return Dataset(name, source, entry.digest, entry.classes, entry.images, entry.labels, *splits, seed, held)
