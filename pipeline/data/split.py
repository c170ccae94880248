"""Which images train, which choose between models, and which judge the chosen one."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.data.decode import shown
from pipeline.errors import DataError

Rows = NDArray[np.int64]

TRAIN, VALIDATION, TEST = 0, 1, 2  # as stored with the images
NAMES = ("train", "validation", "test")
SHARE = 0.15  # of the given training images, for each split that is not given


class Splits(NamedTuple):
    """Row numbers, each array sorted, disjoint and together all rows."""

    train: Rows
    validation: Rows
    test: Rows


def split(labels: Rows, given: NDArray[np.uint8], classes: Sequence[str], seed: int, source: str) -> Splits:
    """The given splits as they are; what is missing is carved out of the training images.

    Each missing one takes 15 % of every class's given training images, rounded, but at least one image, and leaves at
    least one. It depends on labels, given splits and seed alone. A DataError names a class with too few images.
    """
    missing = [one for one in (VALIDATION, TEST) if not (given == one).any()]
    pool = np.flatnonzero(given == TRAIN)
    member = given.copy()
    order = pool[np.argsort(labels[pool], kind="stable")]
    bounds = np.searchsorted(labels[order], np.arange(len(classes) + 1))
    for label, (start, stop) in enumerate(pairwise(bounds)):
        _enough(stop - start, missing, classes[label], source)
        rows = _shuffled(order[start:stop], seed, label)
        share = max(1, int(len(rows) * SHARE + 0.5))
        for place, one in enumerate(missing):
            member[rows[place * share : (place + 1) * share]] = one
    return Splits(*(np.flatnonzero(member == one) for one in (TRAIN, VALIDATION, TEST)))


def _shuffled(rows: Rows, seed: int, label: int) -> Rows:
    # raw bits of PCG64, because numpy promises them for good, and not what Generator makes of them (NEP 19)
    bits = np.random.PCG64(np.random.SeedSequence([seed, label])).random_raw(len(rows))
    return rows[np.argsort(bits, kind="stable")]


def _enough(count: int, missing: list[int], name: str, source: str) -> None:
    if count > len(missing):
        return
    wanted = " and ".join(NAMES[one] for one in (TRAIN, *missing))
    raise DataError(
        f"{source}: class {shown(name)!r} has {count} training image{'' if count == 1 else 's'}; expected at least "
        f"{1 + len(missing)} ({wanted}); add images or remove the class"
    )
