"""The ways to search. A new one is one line here."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import optuna
from optuna.samplers import BaseSampler, RandomSampler, TPESampler

from pipeline.hyperparameter import Values
from pipeline.space import Space

_NO_POINTS: Iterator[Values] = iter(())


@dataclass(frozen=True)
class Search:
    """``points`` come first, in their order; then ``sampler`` draws, if the search has one."""

    points: Iterator[Values]
    sampler: BaseSampler | None


def _grid(space: Space, seed: int) -> Search:
    return Search(space.points(), None)


def _random(space: Space, seed: int) -> Search:
    return Search(_NO_POINTS, RandomSampler(seed))


def _bayesian(space: Space, seed: int) -> Search:
    """TPE (Bergstra et al. 2011), multivariate (Falkner et al. 2018) over each group of parameters that occur together.

    Without ``group`` the joint part is only what all trials have in common: in a conditional space next to nothing.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # group: experimental since 2020
        return Search(_NO_POINTS, TPESampler(multivariate=True, group=True, seed=seed))


SEARCHES: Mapping[str, Callable[[Space, int], Search]] = {"grid": _grid, "random": _random, "bayesian": _bayesian}
