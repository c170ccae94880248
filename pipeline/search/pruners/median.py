"""Stops trials that are worse than the median of the complete ones."""

from typing import TYPE_CHECKING

from pipeline.search.pruners.pruner import Pruner, first_rung

if TYPE_CHECKING:
    from optuna.pruners import BasePruner

_STARTUP_TRIALS = 5
"""Trials that are never stopped, since a median of fewer says little."""


def make(epochs: int) -> "BasePruner":
    """Golovin et al., "Google Vizier", KDD 2017, with Optuna's pruner: the median at the same epoch decides."""
    from optuna.pruners import MedianPruner

    return MedianPruner(n_startup_trials=_STARTUP_TRIALS, n_warmup_steps=first_rung(epochs))


MEDIAN = Pruner("median", "trials below the median of the complete ones stop", make)
