"""The rules that stop poor trials early. A new one is one line here."""

import math
from collections.abc import Callable, Mapping

from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner, SuccessiveHalvingPruner

_FACTOR = 3
"""Of three trials at a rung one goes on: the eta of Li et al. 2018 and 2020."""


def first_rung(epochs: int) -> int:
    """The first epoch after which a trial may be stopped: a tenth of them, and never the first.

    On recorded learning curves rungs from the first epoch left TPE far behind TPE without pruning.
    """
    return max(2, math.ceil(epochs / 10))


PRUNERS: Mapping[str, Callable[[int], BasePruner]] = {
    "asha": lambda epochs: SuccessiveHalvingPruner(min_resource=first_rung(epochs), reduction_factor=_FACTOR),
    "median": lambda epochs: MedianPruner(n_startup_trials=5, n_warmup_steps=first_rung(epochs)),
    "hyperband": lambda epochs: HyperbandPruner(first_rung(epochs), max(epochs, first_rung(epochs)), _FACTOR),
    "none": lambda epochs: NopPruner(),
}
