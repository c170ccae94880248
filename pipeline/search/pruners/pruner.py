"""A pruner: a rule that stops poor trials early."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optuna.pruners import BasePruner

REDUCTION_FACTOR = 3
"""One of three trials at a rung goes on: the eta of Li et al. 2018 and 2020."""


@dataclass(frozen=True)
class Pruner:
    """One rule; ``make(epochs)`` gives Optuna's pruner for trials of so many epochs.

    Trials that ``stops_trials`` leaves alone are not ended for reasons of their own either.
    """

    name: str
    help: str
    make: "Callable[[int], BasePruner]"
    stops_trials: bool = True


def first_rung(epochs: int) -> int:
    """The first epoch after which a trial may be stopped: a tenth of them, and never the first.

    On recorded learning curves rungs from the first epoch left TPE far behind TPE without pruning.

    >>> first_rung(10), first_rung(52)
    (2, 6)
    """
    return max(2, math.ceil(epochs / 10))
