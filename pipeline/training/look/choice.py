"""Which images of a study show best what its model sees: some it knows and some it gets wrong."""

import numpy as np
from numpy.typing import NDArray

from pipeline.training.look.seen import Floats


def choose(shares: Floats, labels: NDArray[np.int64], each: int) -> list[int]:
    """Rows of up to ``each`` images taken for their class, then of as many taken for another.

    ``shares`` is (n, classes), ``labels`` (n,). Of both kinds the surest ones, a class twice only when there are no
    others: at most one image of a class in the first round.
    """
    right = shares.argmax(axis=1) == labels
    return _surest(shares, labels, right, each) + _surest(shares, labels, ~right, each)


def _surest(shares: Floats, labels: NDArray[np.int64], among: NDArray[np.bool_], each: int) -> list[int]:
    order = [int(row) for row in np.argsort(-shares.max(axis=1), kind="stable") if among[row]]
    _, first = np.unique(labels[order], return_index=True)
    firsts = [order[place] for place in sorted(first)]
    return list(dict.fromkeys([*firsts, *order]))[:each]
