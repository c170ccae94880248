"""The loop of a study: propose, train, tell, until trials, time or space are used up."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from pipeline.candidate import Candidate
from pipeline.executors import Executor, Task, TaskResult
from pipeline.search.forecast import Forecast
from pipeline.search.proposer import Accepted, Proposer
from pipeline.search.stop_reason import StopReason
from pipeline.search.storage import StudyStorage
from pipeline.study.record import TrialRecord
from pipeline.study.trial import (
    BatchReport,
    Decision,
    EpochReport,
    Fault,
    Report,
    Trial,
    TrialResult,
    ending,
    ending_reason,
)

_TICK = 0.5
"""The longest wait for the workers, in seconds, before signals and the clock are checked again."""


_GRACE = 5.0
"""Seconds after the deadline within which a trial may still report, and be stopped."""


class Listener(Protocol):
    """Is notified of what happens to trials. The study's files, the tracker and the progress view are listeners.

    The record comes from the storage, which has stored it already.
    """

    def trial_started(self, record: TrialRecord) -> None:
        """A trial is about to be handed to a worker."""

    def epoch_ended(self, record: TrialRecord, report: EpochReport) -> None:
        """A trial finished an epoch."""

    def progressed(self, record: TrialRecord, report: BatchReport) -> None:
        """A trial reported from within an epoch."""

    def trial_ended(self, record: TrialRecord) -> None:
        """A trial ended."""


@dataclass(frozen=True)
class Budget:
    """``trials`` in total (may be infinite); after ``deadline`` (monotonic seconds) no trial begins and all stop."""

    trials: float
    deadline: float | None = None

    @property
    def seconds_left(self) -> float:
        """The seconds until the deadline, infinite without one."""
        return math.inf if self.deadline is None else self.deadline - time.monotonic()

    @property
    def time_is_up(self) -> bool:
        """Whether the deadline has passed."""
        return self.deadline is not None and time.monotonic() >= self.deadline

    @property
    def is_overdue(self) -> bool:
        """Whether the deadline has passed long enough for every trial that can be stopped to have stopped."""
        return self.deadline is not None and time.monotonic() >= self.deadline + _GRACE


class Loop:
    """Runs one study on one executor, in one thread.

    ``make_task`` makes the task that trains a trial. ``check_signals`` is called between steps and may raise
    KeyboardInterrupt. ``forecast`` says how long trainings will take, as far as that is known.
    """

    def __init__(
        self,
        proposer: Proposer,
        storage: StudyStorage,
        executor: Executor,
        make_task: Callable[[Trial, Candidate], Task[TrialResult]],
        listeners: Sequence[Listener],
        check_signals: Callable[[], None] = lambda: None,
        forecast: Forecast | None = None,
    ) -> None:
        self._proposer, self._storage, self._executor = proposer, storage, executor
        self._make_task, self._listeners, self._check_signals = make_task, listeners, check_signals
        self._forecast = forecast or Forecast()
        self._decisions: dict[int, Decision] = {}
        self._began: dict[int, float] = {}

    def run(self, budget: Budget) -> StopReason:
        """Runs until the budget or the space is used up and every trial has ended; returns why there are no more.

        On KeyboardInterrupt, it marks the running trials as interrupted and re-raises.
        """
        reason: StopReason | None = None
        proposals = self._proposer.proposals(partial(self._epochs_that_fit, budget))
        try:
            while reason is None or self._storage.running:
                self._check_signals()
                reason = reason or self._step(proposals, budget)
                self.serve(budget, _TICK if reason is not None or not self._executor.free else 0)
                self._drop_overdue(budget)
        except KeyboardInterrupt:
            self._executor.close()
            for record in self._storage.running:
                self._end(self._without_answer(record, Fault.CUT_OFF, "the study was interrupted"))
            raise
        return reason

    def serve(self, budget: Budget, timeout: float = 0) -> None:
        """Answers the workers for ``timeout`` seconds at most: between steps, and within a step that takes long."""
        for task_result in self._executor.wait(lambda report: self._decide(report, budget), timeout):
            self._end(self._result(task_result))

    def _drop_overdue(self, budget: Budget) -> None:
        """Ends the trials that cannot be stopped when the time is up, as they build or compile, if that costs nothing.

        A trial with a finished epoch is waited for: its worker has the best weights.
        """
        if not budget.is_overdue:
            return
        for record in self._storage.running:
            if record.result.epochs == 0:
                self._executor.drop(record.number)
                self._end(self._without_answer(record, Fault.CUT_OFF, ending_reason(Decision.STOP, 0)))

    def _step(self, proposals: Iterator[Accepted | None], budget: Budget) -> StopReason | None:
        """If a worker is free, judges one proposal and starts its trial; returns the reason if no more will follow."""
        if not self._executor.free:
            return None
        if budget.time_is_up:
            return StopReason.TIME_UP
        if self._storage.begun >= budget.trials:
            return StopReason.TRIALS_DONE
        try:
            accepted = next(proposals)
        except StopIteration:
            return self._proposer.stop_reason
        if accepted is not None:
            self._begin(accepted)
        return None

    def _epochs_that_fit(self, budget: Budget, candidate: Candidate) -> float:
        macs = candidate.costs.get("macs")
        return self._forecast.epochs_within(budget.seconds_left, None if macs is None else int(macs))

    def _begin(self, accepted: Accepted) -> None:
        for listener in self._listeners:
            listener.trial_started(accepted.record)
        self._began[accepted.record.number] = time.monotonic()
        self._executor.submit(self._make_task(accepted.record.trial, accepted.candidate))

    def _decide(self, report: Report, budget: Budget) -> Decision:
        self._check_signals()
        if isinstance(report, EpochReport):
            decision = self._after_epoch(report, budget)
        else:
            decision = self._within_epoch(report, budget)
        self._decisions[report.number] = decision
        return decision

    def _after_epoch(self, report: EpochReport, budget: Budget) -> Decision:
        record = self._storage.report(report)
        self._forecast.learn(record.macs, report)
        for listener in self._listeners:
            listener.epoch_ended(record, report)
        return self._next_decision(record, budget)

    def _within_epoch(self, report: BatchReport, budget: Budget) -> Decision:
        for listener in self._listeners:
            listener.progressed(self._running(report.number), report)
        return Decision.STOP if budget.time_is_up else Decision.CONTINUE

    def _next_decision(self, record: TrialRecord, budget: Budget) -> Decision:
        if record.result.epochs >= record.trial.epochs:
            return Decision.CONTINUE
        if budget.time_is_up:
            return Decision.STOP
        return Decision.PRUNE if self._storage.should_prune(record.number) else Decision.CONTINUE

    def _result(self, task_result: TaskResult) -> TrialResult:
        """The worker's result of a trial; if the worker raised or died, a failed one."""
        if task_result.error is None:
            result: TrialResult = task_result.value
            return result
        return self._without_answer(self._running(task_result.number), Fault.ERROR, str(task_result.error))

    def _running(self, number: int) -> TrialRecord:
        return next(record for record in self._storage.running if record.number == number)

    def _without_answer(self, record: TrialRecord, fault: Fault, reason: str) -> TrialResult:
        """The result of a trial whose worker gave none, made of its reports and the fault."""
        decision = self._decisions.get(record.number, Decision.CONTINUE)
        state = ending(decision, record.result.epochs, fault).state
        seconds = time.monotonic() - self._began[record.number]
        return replace(record.result, state=state, decision=decision, reason=reason, seconds=seconds)

    def _end(self, result: TrialResult) -> None:
        self._decisions.pop(result.number, None)
        record = self._storage.tell(result)
        for listener in self._listeners:
            listener.trial_ended(record)
