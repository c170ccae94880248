"""Hyperband: successive halving in several brackets, which begin to stop trials at different epochs."""

from typing import TYPE_CHECKING

from pipeline.search.pruners.pruner import REDUCTION_FACTOR, Pruner, first_rung

if TYPE_CHECKING:
    from optuna.pruners import BasePruner


def make(epochs: int) -> "BasePruner":
    """Li et al., "Hyperband", JMLR 2018, with Optuna's pruner."""
    from optuna.pruners import HyperbandPruner

    lowest = first_rung(epochs)
    return HyperbandPruner(lowest, max(epochs, lowest), REDUCTION_FACTOR)


HYPERBAND = Pruner("hyperband", "successive halving in several brackets", make)
