"""Optuna's tree-structured Parzen estimator (TPE)."""

import warnings
from typing import TYPE_CHECKING

from pipeline.search.samplers.sampler import Sampler, SearchPlan

if TYPE_CHECKING:
    from pipeline.space import Space


def plan(space: "Space", seed: int) -> SearchPlan:
    """TPE (Bergstra et al. 2011), multivariate (Falkner et al. 2018) within each group of hyperparameters that occur
    together. Trials that still run count as poor (``constant_liar``), so workers do not try the same at once.

    Without ``group`` it would be multivariate only over the hyperparameters that all trials have: in a conditional
    space next to none.
    """
    import optuna

    from pipeline.search.samplers.few_trials import FewTrials

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # group: experimental since 2020
        sampler = optuna.samplers.TPESampler(multivariate=True, group=True, constant_liar=True, seed=seed)
    return SearchPlan(iter(()), FewTrials(sampler))


BAYESIAN = Sampler("bayesian", "Optuna's TPE", plan)
