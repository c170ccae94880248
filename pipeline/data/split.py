"""Splits images into those that train, those that choose between models and those that test the chosen one."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DataError, printable
from pipeline.quantity import counted

Rows = NDArray[np.int64]
"""Row numbers (n,)."""

TRAIN, VALIDATION, TEST = 0, 1, 2
"""The number of each split, as it is stored with the images."""

SPLIT_NAMES = ("train", "validation", "test")
"""The name of each split, by its number."""

HELD_OUT_SHARE = 0.15
"""The share of the given training images that each missing split takes."""


class Splits(NamedTuple):
    """Row numbers of each split: sorted, disjoint and together all rows."""

    train: Rows
    validation: Rows
    test: Rows


def split_rows(labels: Rows, given_splits: NDArray[np.uint8], copy_of: Rows, seed: int) -> Splits:
    """The given splits as they are; the missing ones are taken from the training images.

    Each missing split takes 15 % of every class's given training images, rounded, but at least one image, and leaves at
    least one to train with; it takes none of a class that has too few for that. The copies of a picture in a class stay
    together (``copy_of`` is as in ``find_copies``), unless that leaves a split without the class. The result depends
    only on labels, given splits, copies and seed.
    """
    missing = _missing_splits(given_splits)
    given_train = np.flatnonzero(given_splits == TRAIN)
    splits = given_splits.copy()
    by_class = given_train[np.argsort(labels[given_train], kind="stable")]
    bounds = np.searchsorted(labels[by_class], np.arange(labels.max(initial=0) + 2))
    for label, (start, stop) in enumerate(pairwise(bounds)):
        if stop - start <= len(missing):
            continue
        rows = _shuffle(by_class[start:stop], seed, label)
        count = max(1, int(len(rows) * HELD_OUT_SHARE + 0.5))
        parts = np.repeat([*missing, TRAIN], [*([count] * len(missing)), len(rows) - count * len(missing)])
        _, first, group = np.unique(copy_of[rows], return_index=True, return_inverse=True)
        together = parts[first[group]]
        splits[rows] = together if len(np.unique(together)) > len(missing) else parts
    return Splits(*(np.flatnonzero(splits == split) for split in (TRAIN, VALIDATION, TEST)))


def check_counts(labels: Rows, given_splits: NDArray[np.uint8], classes: Sequence[str], source: str) -> None:
    """DataError unless every class has an image to train with, and one for each split that is not given.

    The error begins with ``source``.
    """
    needed = (TRAIN, *_missing_splits(given_splits))
    counts = np.bincount(labels[given_splits == TRAIN], minlength=len(classes))
    for name, count in zip(classes, counts.tolist(), strict=True):
        if count < len(needed):
            splits = " and ".join(SPLIT_NAMES[split] for split in needed)
            raise DataError(
                f"{source}: class {printable(name)!r} has {counted(count, 'training image')}; "
                f"expected at least {len(needed)} ({splits}); add images or remove the class"
            )


def _missing_splits(given_splits: NDArray[np.uint8]) -> list[int]:
    return [split for split in (VALIDATION, TEST) if not (given_splits == split).any()]


def _shuffle(rows: Rows, seed: int, label: int) -> Rows:
    # NumPy keeps the raw bits of PCG64 stable for good, but not what its Generator makes of them (NEP 19).
    bits = np.random.PCG64(np.random.SeedSequence([seed, label])).random_raw(len(rows))
    return rows[np.argsort(bits, kind="stable")]
