"""A sampler: a way to propose params, by a list of its own or by one of Optuna's samplers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.hyperparameter import Params

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler

    from pipeline.space import Space


@dataclass(frozen=True)
class SearchPlan:
    """``points``, complete ones of the space, are proposed first; then ``sampler`` draws, if there is one."""

    points: "Iterator[Params]"
    sampler: "BaseSampler | None"


@dataclass(frozen=True)
class Sampler:
    """One way to search.

    ``plan(space, seed)`` begins a search; it raises SpaceError for a space that it cannot search. ``exhaustive`` says
    whether it covers the whole of a finite space, so that a study needs no number of trials.
    """

    name: str
    help: str
    plan: "Callable[[Space, int], SearchPlan]"
    exhaustive: bool = False
