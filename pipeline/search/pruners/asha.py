"""Asynchronous successive halving."""

from typing import TYPE_CHECKING

from pipeline.search.pruners.pruner import REDUCTION_FACTOR, Pruner, first_rung

if TYPE_CHECKING:
    from optuna.pruners import BasePruner


def make(epochs: int) -> "BasePruner":
    """Li et al., "A System for Massively Parallel Hyperparameter Tuning", MLSys 2020, with Optuna's pruner."""
    from optuna.pruners import SuccessiveHalvingPruner

    return SuccessiveHalvingPruner(min_resource=first_rung(epochs), reduction_factor=REDUCTION_FACTOR)


ASHA = Pruner("asha", "at each rung the best third goes on", make)
