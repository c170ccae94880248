"""The loop of a study: propose, train, tell, until the trials or the time are used up."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from pipeline.executors import Executor, Finished, Task
from pipeline.search.candidate import Candidate
from pipeline.search.ledger import Ledger
from pipeline.search.propose import Begun, Proposer
from pipeline.trial import Answer, Outcome, Report, State, Trial

TIME_UP = "time is up"
"""Why a study ended that has not had all its trials."""
_TICK = 0.5
"""Seconds between looks at the clock while trials run."""
_TIME = "time was up"
"""Such a trial was no poor one: it is interrupted, to be repeated when the study goes on."""


class Listener(Protocol):
    """Hears what happens to trials: the study's files, the tracker, the progress view."""

    def began(self, trial: Trial, candidate: Candidate) -> None:
        """A trial is handed to a worker."""

    def reported(self, report: Report) -> None:
        """A trial finished an epoch."""

    def ended(self, outcome: Outcome) -> None:
        """A trial ended."""


@dataclass(frozen=True)
class Budget:
    """``trials`` in total, each of ``epochs``; no new trial and no new epoch after ``deadline`` (monotonic seconds)."""

    trials: float
    epochs: int
    deadline: float | None = None

    @property
    def over(self) -> bool:
        """Whether the time is up."""
        return self.deadline is not None and time.monotonic() >= self.deadline


class Loop:
    """Runs one study on one executor, in one thread. ``task`` makes what the executor runs of a trial.

    ``check`` is called between steps and may raise KeyboardInterrupt.
    """

    def __init__(
        self,
        proposer: Proposer,
        ledger: Ledger,
        executor: Executor,
        task: Callable[[Trial, Candidate], Task],
        listeners: Sequence[Listener],
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self._proposer, self._ledger, self._executor = proposer, ledger, executor
        self._task, self._listeners, self._check = task, listeners, check
        self._latest: dict[int, Outcome] = {}

    def run(self, budget: Budget) -> str:
        """Goes on until the budget or the space is used up; why it ended, in words.

        A KeyboardInterrupt leaves the running trials to be repeated, and is raised again.
        """
        why, proposals = "", self._proposer.proposals(budget.epochs)
        try:
            while not why or self._ledger.running:
                self._check()
                why = why or self._step(proposals, budget)
                tick = _TICK if why or not self._executor.free else 0
                for finished in self._executor.wait(lambda report: self._decide(report, budget), tick):
                    self._end(self._outcome(finished))
        except KeyboardInterrupt:
            self._executor.close()
            for number in self._ledger.running:
                self._end(replace(self._latest[number], state=State.INTERRUPTED, reason="interrupted"))
            raise
        return why

    def _step(self, proposals: Iterator[Begun | None], budget: Budget) -> str:
        """Judges one proposal if a worker is free, and hands out the trial; a reason when there will be no more."""
        if not self._executor.free:
            return ""
        if budget.over:
            return TIME_UP
        if self._ledger.begun >= budget.trials:
            return "all trials are done"
        try:
            begun = next(proposals)
        except StopIteration:
            return self._proposer.why
        if begun is not None:
            self._begin(*begun)
        return ""

    def _begin(self, trial: Trial, candidate: Candidate) -> None:
        self._latest[trial.number] = Outcome(trial.number, State.RUNNING)
        for listener in self._listeners:
            listener.began(trial, candidate)
        self._executor.submit(self._task(trial, candidate))

    def _decide(self, report: Report, budget: Budget) -> Answer:
        self._check()
        prune = self._ledger.report(report)
        answer, reason = Answer.GO, ""
        if report.epoch < budget.epochs and budget.over:
            answer, reason = Answer.END, _TIME
        elif report.epoch < budget.epochs and prune:
            answer, reason = Answer.PRUNE, "pruned"
        self._latest[report.number] = _advance(self._latest[report.number], report, reason)
        for listener in self._listeners:
            listener.reported(report)
        return answer

    def _outcome(self, finished: Finished) -> Outcome:
        latest = self._latest[finished.number]
        if finished.error is not None:
            return replace(latest, state=State.FAILED, reason=str(finished.error))
        outcome: Outcome = finished.value
        if outcome.state is State.PRUNED:
            state = State.INTERRUPTED if latest.reason == _TIME else State.PRUNED
            return replace(outcome, state=state, reason=f"{latest.reason} after epoch {outcome.epochs}")
        return outcome

    def _end(self, outcome: Outcome) -> None:
        del self._latest[outcome.number]
        self._ledger.tell(outcome)
        for listener in self._listeners:
            listener.ended(outcome)


def _advance(latest: Outcome, report: Report, reason: str) -> Outcome:
    """The outcome as it would be if the trial ended here."""
    value = max(report.metrics["val_accuracy"], latest.value if latest.value is not None else 0.0)
    return replace(latest, value=value, epochs=report.epoch, seconds=report.seconds, reason=reason)
