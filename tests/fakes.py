"""Tasks without Keras, which workers can import."""

import gc
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pipeline.files import replacing
from pipeline.study.trial import BatchReport, Decision, EpochReport, ReportCallback, TrialResult, ending


def at_epochs(decide: Callable[[EpochReport], Decision]) -> ReportCallback:
    """Decides about epochs, and lets batches go on."""
    return lambda report: decide(report) if isinstance(report, EpochReport) else Decision.CONTINUE


@dataclass(frozen=True)
class Climb:
    """A trial whose validation accuracy rises to ``top`` over its epochs; ``model`` is what it saves if it is kept."""

    number: int
    top: float = 0.9
    epochs: int = 4
    pause: float = 0.0
    model: str = ""

    def run(self, report: ReportCallback) -> TrialResult:
        history: list[EpochReport] = []
        decision = Decision.CONTINUE
        while decision is Decision.CONTINUE and len(history) < self.epochs:
            time.sleep(self.pause)
            history.append(self._epoch(len(history) + 1))
            answer = report(history[-1])
            if len(history) < self.epochs:  # a decision after the last epoch comes too late
                decision = answer
        end, score = ending(decision, len(history)), history[-1].metrics["val_accuracy"]
        model = self.model if end.keeps_model else ""
        return TrialResult(
            self.number, end.state, score, len(history), model=model, decision=decision, history=tuple(history)
        )

    def _epoch(self, epoch: int) -> EpochReport:
        score = self.top * epoch / self.epochs
        return EpochReport(self.number, epoch, {"loss": 1 - score, "val_accuracy": score}, float(epoch))


@dataclass(frozen=True)
class Batches:
    """A trial that reports some epochs, and then batches of an endless one until it is stopped."""

    number: int
    epochs: int = 0
    pause: float = 0.0

    def run(self, report: ReportCallback) -> TrialResult:
        climb = Climb(self.number)
        history = tuple(climb._epoch(epoch + 1) for epoch in range(self.epochs))
        for epoch_report in history:
            report(epoch_report)
        batch = 0
        while report(BatchReport(self.number, batch, None, self.epochs + 1)) is not Decision.STOP:
            time.sleep(self.pause)
            batch += 1
        score = history[-1].metrics["val_accuracy"] if history else None
        state = ending(Decision.STOP, self.epochs).state
        return TrialResult(self.number, state, score, self.epochs, float(batch), decision=Decision.STOP)


@dataclass(frozen=True)
class Deaf:
    """A trial that reports some epochs, after each of which it has saved its model, and then never answers again."""

    number: int
    epochs: int

    def run(self, report: ReportCallback) -> TrialResult:
        for epoch in range(self.epochs):
            report(EpochReport(self.number, epoch + 1, {"val_accuracy": 0.5}, 1.0, "saved.keras"))
        time.sleep(60)
        raise AssertionError


@dataclass(frozen=True)
class Count:
    """A task that reports each of its steps."""

    steps: int
    number: int = -1

    def run(self, report: ReportCallback) -> None:
        for step in range(self.steps):
            time.sleep(0.2)  # a report while another one is not answered would be dropped
            report(BatchReport(self.number, step + 1, self.steps))


@dataclass(frozen=True)
class Die:
    """A task that kills its own process, after one report."""

    number: int
    by: int = signal.SIGKILL

    def run(self, report: ReportCallback) -> None:
        report(EpochReport(self.number, 1, {"val_accuracy": 0.5}, 1.0))
        os.kill(os.getpid(), self.by)
        time.sleep(60)


@dataclass(frozen=True)
class Devour:
    """A task that takes memory until its process may have no more."""

    number: int
    limit: int = 2**30

    def run(self, report: ReportCallback) -> None:
        resource.setrlimit(resource.RLIMIT_AS, (self.limit, resource.RLIM_INFINITY))
        taken: list[bytes] = []
        while len(taken) < 2**20:
            taken.append(bytes(2**26))


@dataclass(frozen=True)
class EatUp:
    """A task that takes memory, after one report, in a group of processes that may have little: the kernel kills it."""

    number: int
    members: Path

    def run(self, report: ReportCallback) -> None:
        report(EpochReport(self.number, 1, {"val_accuracy": 0.5}, 1.0))
        self.members.write_text(str(os.getpid()))
        taken: list[bytes] = []
        while len(taken) < 2**6:
            taken.append(b"x" * 2**24)


@dataclass(frozen=True)
class FillDisk:
    """A task that writes ``path`` until the disk is full, for which a limit on its process's files stands."""

    number: int
    path: str

    def run(self, report: ReportCallback) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, resource.RLIM_INFINITY))
        with replacing(Path(self.path)) as temporary:
            temporary.write_bytes(bytes(2**20))


@dataclass(frozen=True)
class Raise:
    """A task that raises."""

    number: int
    error: Exception

    def run(self, report: ReportCallback) -> None:
        raise self.error


@dataclass(frozen=True)
class Grow:
    """A task that keeps ``size`` bytes of memory for as long as its process lives."""

    number: int
    size: int

    def run(self, report: ReportCallback) -> int:
        _KEPT.append(b"x" * self.size)
        return os.getpid()


_KEPT: list[bytes] = []


@dataclass(frozen=True)
class ReadEnvironment:
    """A task that returns an environment variable of its process."""

    name: str
    number: int = -1

    def run(self, report: ReportCallback) -> str | None:
        return os.environ.get(self.name)


@dataclass(frozen=True)
class ReadArguments:
    """A task that returns the arguments of its process."""

    number: int = -1

    def run(self, report: ReportCallback) -> list[str]:
        return sys.argv[1:]


@dataclass(frozen=True)
class GetPid:
    """A task that returns the id of its process."""

    number: int = -1

    def run(self, report: ReportCallback) -> int:
        return os.getpid()


@dataclass(frozen=True)
class Chatter:
    """A task that writes to its process's stderr."""

    text: str
    number: int = -1

    def run(self, report: ReportCallback) -> None:
        os.write(2, self.text.encode())


@dataclass(frozen=True)
class Say:
    """A task that prints."""

    text: str
    number: int = -1

    def run(self, report: ReportCallback) -> None:
        print(self.text, flush=True)


@dataclass(frozen=True)
class Unpackable:
    """A task that can be sent and cannot be received."""

    number: int
    error: Exception

    def run(self, report: ReportCallback) -> None:
        """Never begins."""

    def __reduce__(self) -> tuple[Callable[[Exception], None], tuple[Exception]]:
        return throw, (self.error,)


def throw(error: Exception) -> None:
    raise error


def note_collector() -> None:
    """A warm-up that notes whether Python collects garbage meanwhile."""
    os.environ["COLLECTS"] = str(gc.isenabled())


@dataclass(frozen=True)
class Collector:
    """A task that says whether garbage was collected while its worker warmed up, is now, and what is left out."""

    number: int = -1

    def run(self, report: ReportCallback) -> tuple[str, bool, int]:
        return os.environ["COLLECTS"], gc.isenabled(), gc.get_freeze_count()
