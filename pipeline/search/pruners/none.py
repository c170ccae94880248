"""Every trial is trained to its end."""

from typing import TYPE_CHECKING

from pipeline.search.pruners.pruner import Pruner

if TYPE_CHECKING:
    from optuna.pruners import BasePruner


def make(epochs: int) -> "BasePruner":
    """Optuna's pruner that never stops a trial."""
    from optuna.pruners import NopPruner

    return NopPruner()


NONE = Pruner("none", "every trial is trained to its end, even if it diverges", make, stops_trials=False)
