"""A trial as the tables show it, running or ended."""

from dataclasses import dataclass

from pipeline.hyperparameter import Scalar
from pipeline.trial import Outcome, State


@dataclass(frozen=True)
class Record:
    """One row: what was tried, what it cost, and its outcome (state ``running`` while there is none).

    ``value`` is the validation accuracy (None before the first epoch), ``parameters`` and ``macs`` count trainable
    weights and multiply-accumulates a forward pass of one image, ``varied`` names the values that the space drew.
    """

    number: int
    values: dict[str, Scalar]
    varied: tuple[str, ...]
    parameters: int
    macs: int
    seed: int
    outcome: Outcome

    @property
    def state(self) -> State:
        """How it stands."""
        return self.outcome.state

    @property
    def value(self) -> float | None:
        """Its best validation accuracy so far."""
        return self.outcome.value


def ranked(records: list[Record]) -> list[Record]:
    """The records best first: by value, among equals by fewer MACs, then by number.

    Complete trials stand before those that ended early; failed ones and those without a value are left out.
    """
    valued = [record for record in records if record.value is not None and record.state in _RANKS]
    return sorted(valued, key=lambda record: (_RANKS[record.state], -(record.value or 0), record.macs, record.number))


_RANKS = {State.COMPLETE: 0, State.PRUNED: 1, State.INTERRUPTED: 1}


def best(records: list[Record]) -> Record | None:
    """The first of the ranking that has left a model, or None."""
    return next((record for record in ranked(records) if record.outcome.model), None)
