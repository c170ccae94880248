"""One set of values, what it reports while it trains, and how it ended. Frozen, and small enough to pickle."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from pipeline.hyperparameter import Scalar


class State(StrEnum):
    """How a trial stands; ``interrupted`` trials are repeated when the study goes on."""

    RUNNING = "running"
    COMPLETE = "complete"
    PRUNED = "pruned"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class Answer(StrEnum):
    """What a trial is told after an epoch: go on, stop as a poor one, or end here and keep what it has."""

    GO = "go"
    PRUNE = "prune"
    END = "end"


@dataclass(frozen=True)
class Trial:
    """One candidate to train once: its number in the study (from 0), its values and its seed."""

    number: int
    values: dict[str, Scalar]
    seed: int
    epochs: int


@dataclass(frozen=True)
class Report:
    """What a trial says after an epoch (counted from 1): Keras's metric names, and seconds since it began."""

    number: int
    epoch: int
    metrics: dict[str, float]
    seconds: float


Ask = Callable[[Report], Answer]
"""Says a report and learns how to go on."""


@dataclass(frozen=True)
class Outcome:
    """How a trial ended.

    ``value`` is the best validation accuracy of its epochs (None if it never finished one), ``epochs`` how many it
    finished, ``reason`` why it did not complete, ``device`` where it ran, ``model`` the file it left (or "").
    """

    number: int
    state: State
    value: float | None = None
    epochs: int = 0
    seconds: float = 0.0
    reason: str = ""
    device: str = ""
    model: str = ""
    history: tuple[Report, ...] = field(default=())
