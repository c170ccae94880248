"""A trial as the tables show it, running or ended."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pipeline.hyperparameter import Scalar
from pipeline.objective import front
from pipeline.trial import Outcome, State


@dataclass(frozen=True)
class Record:
    """One row: what was tried, what it cost, and its outcome (state ``running`` while there is none).

    ``costs`` are those of the candidate, by name; ``varied`` names the values that the space drew; ``minimised`` the
    costs that the study minimises beside the accuracy (empty: none). ``front`` says whether the trial is on the Pareto
    front of such a study.
    """

    number: int
    values: dict[str, Scalar]
    varied: tuple[str, ...]
    costs: Mapping[str, float]
    seed: int
    outcome: Outcome
    minimised: tuple[str, ...] = ()
    front: bool = False

    @property
    def state(self) -> State:
        """How it stands."""
        return self.outcome.state

    @property
    def value(self) -> float | None:
        """Its best validation accuracy so far (None before the first epoch)."""
        return self.outcome.value

    @property
    def parameters(self) -> int | None:
        """Trainable weights; None where they were not counted."""
        return self._count("parameters")

    @property
    def macs(self) -> int | None:
        """Multiply-accumulates of a forward pass of one image; None where they were not counted."""
        return self._count("macs")

    def _count(self, name: str) -> int | None:
        return int(self.costs[name]) if name in self.costs else None


def with_front(records: Sequence[Record], minimised: tuple[str, ...]) -> list[Record]:
    """The records with their place on the Pareto front of accuracy and the costs ``minimised``; as they are without.

    The front is made of complete trials: what was stopped early might have become better.
    """
    if not minimised:
        return list(records)
    found = [(record.number, point) for record in records if (point := _point(record, minimised)) is not None]
    best = front([point for _, point in found])
    numbers = {found[index][0] for index in best}
    return [replace(record, minimised=minimised, front=record.number in numbers) for record in records]


def _point(record: Record, minimised: tuple[str, ...]) -> tuple[float, ...] | None:
    if record.state is not State.COMPLETE or record.value is None or not math.isfinite(record.value):
        return None
    return -record.value, *(record.costs[name] for name in minimised)


def ranked(records: Sequence[Record]) -> list[Record]:
    """The records best first: by value, among equals by lower costs (what the study minimises, MACs), then by number.

    Complete trials stand before those that ended early, and the Pareto front before them all; failed trials and those
    without a value are left out.
    """
    return sorted((one for one in records if one.value is not None and one.state in _RANKS), key=_place)


def _place(record: Record) -> tuple[float, ...]:
    costs = (record.costs.get(name, math.inf) for name in (*record.minimised, "macs"))
    return not record.front, _RANKS[record.state], -(record.value or 0), *costs, record.number


_RANKS = {State.COMPLETE: 0, State.PRUNED: 1, State.INTERRUPTED: 1}


def best(records: Sequence[Record]) -> Record | None:
    """The first of the ranking that has left a model, or None: the most accurate, also on a Pareto front."""
    return next((record for record in ranked(records) if record.outcome.model), None)
