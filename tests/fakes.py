"""Tasks without Keras, which workers can import."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

from pipeline.trial import Answer, Ask, Outcome, Report, State


@dataclass(frozen=True)
class Climb:
    """A trial whose validation accuracy rises to ``top`` over its epochs."""

    number: int
    top: float = 0.9
    epochs: int = 4
    pause: float = 0.0

    def run(self, ask: Ask) -> Outcome:
        history = []
        for epoch in range(1, self.epochs + 1):
            time.sleep(self.pause)
            value = self.top * epoch / self.epochs
            history.append(Report(self.number, epoch, {"loss": 1 - value, "val_accuracy": value}, float(epoch)))
            if ask(history[-1]) is not Answer.GO:
                break
        state = State.COMPLETE if len(history) == self.epochs else State.PRUNED
        value = history[-1].metrics["val_accuracy"]
        return Outcome(self.number, state, value, len(history), history=tuple(history))


@dataclass(frozen=True)
class Die:
    """A task that kills its own process, after one report."""

    number: int
    by: int = signal.SIGKILL

    def run(self, ask: Ask) -> None:
        ask(Report(self.number, 1, {"val_accuracy": 0.5}, 1.0))
        os.kill(os.getpid(), self.by)
        time.sleep(60)


@dataclass(frozen=True)
class Raise:
    """A task that raises."""

    number: int
    error: Exception

    def run(self, ask: Ask) -> None:
        raise self.error


@dataclass(frozen=True)
class Grow:
    """A task that keeps ``size`` bytes of memory for as long as its process lives."""

    number: int
    size: int

    def run(self, ask: Ask) -> int:
        _KEPT.append(b"x" * self.size)
        return os.getpid()


_KEPT: list[bytes] = []


def environment(name: str) -> str | None:
    return os.environ.get(name)


@dataclass(frozen=True)
class Unpackable:
    """A task that can be sent and cannot be received."""

    number: int
    error: Exception

    def run(self, ask: Ask) -> None:
        """Never begins."""

    def __reduce__(self) -> tuple[Callable[[Exception], None], tuple[Exception]]:
        return throw, (self.error,)


def throw(error: Exception) -> None:
    raise error
