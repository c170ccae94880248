"""The loop of a study: propose, train, tell, until its budget or its space is used up."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

from pipeline.candidate import Candidate
from pipeline.errors import MachineError
from pipeline.executors import Executor, Task, TaskResult
from pipeline.search.early_end import why_final
from pipeline.search.forecast import Forecast
from pipeline.search.machine_faults import MachineFaults
from pipeline.search.proposer import Accepted, Proposer
from pipeline.search.standing import Standing
from pipeline.search.stop_reason import Budget, StopReason
from pipeline.search.storage import StudyStorage
from pipeline.study.record import TrialRecord
from pipeline.study.trial import (
    BatchReport,
    Began,
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


class Listener(Protocol):
    """Is notified of what happens to trials. The study's files, the tracker and the progress view are listeners.

    The record comes from the storage, which has stored it already.
    """

    def trial_started(self, record: TrialRecord) -> None:
        """A trial is about to be handed to a worker."""

    def epoch_ended(self, record: TrialRecord, report: EpochReport) -> None:
        """A trial finished an epoch. With a MachineError that is raised here the trial fails, and no other."""

    def progressed(self, record: TrialRecord, report: BatchReport) -> None:
        """A trial reported from within an epoch."""

    def trial_ended(self, record: TrialRecord) -> None:
        """A trial ended."""


class Overdue(Exception):
    """The study is over, and what it waits for has had the time to end by itself."""


@dataclass(frozen=True)
class Answer:
    """A decision, and its cause for people, which the trial is not told ("": the pruner's rank, or the time)."""

    decision: Decision
    cause: str = ""


_CONTINUE = Answer(Decision.CONTINUE)


@dataclass
class _Running:
    """A running trial: when it began (monotonic seconds), its epochs, and the last answer that it was given.

    Until its worker ``has_begun`` it, that is when it was handed over.
    ``fault`` is the machine's, met while the trial was noted ("": none).
    ``held_up`` are the seconds for which the loop could not answer it, as while it waited for the storage.
    """

    began: float = field(default_factory=time.monotonic)
    has_begun: bool = False
    held_up: float = 0.0
    history: list[EpochReport] = field(default_factory=list)
    answer: Answer = _CONTINUE
    fault: str = ""


class Loop:
    """Runs one study on one executor, in one thread.

    ``make_task`` makes the task that trains a trial. ``check_signals`` is called between steps and may raise
    KeyboardInterrupt. ``forecast`` says how long trainings will take, as far as that is known, ``has_room`` whether the
    disk has room for another trial. ``slots_stay``: a slot's number stands for the same device all the time.
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
        has_room: Callable[[], bool] = lambda: True,
        slots_stay: bool = True,
    ) -> None:
        self._proposer, self._storage, self._executor = proposer, storage, executor
        self._make_task, self._listeners, self._check_signals = make_task, listeners, check_signals
        self._forecast, self._has_room, self._slots_stay = forecast or Forecast(), has_room, slots_stay
        for record in storage.records:
            self._learn_whole(record)
        self._ended = 0
        self._standing = Standing(storage.records)
        self._faults = MachineFaults()
        self._running: dict[int, _Running] = {}
        self._over_since = math.inf
        self._looked = math.inf

    def run(self, budget: Budget) -> StopReason:
        """Runs until the budget or the space is used up and every trial has ended; returns why there are no more.

        On KeyboardInterrupt, it marks the running trials as interrupted and re-raises.
        """
        self._propose(budget)
        try:
            while True:
                self._check_signals()
                reason = self._step(budget)
                if reason is not None and not self._storage.running:
                    return reason
                self.serve(budget, _TICK if reason is not None or not self._executor.free else 0)
        except KeyboardInterrupt:
            for task_result in self._executor.wait(lambda report: Decision.CONTINUE, 0):
                self._end(self._result(task_result))  # it had ended before
            self._executor.close()
            for record in self._storage.running:
                self._end(self._without_answer(record, Fault.CUT_OFF, "the study was interrupted"))
            raise

    def serve(self, budget: Budget, timeout: float = 0) -> None:
        """Answers the workers for ``timeout`` seconds at most, and ends trials that did not stop in time."""
        for task_result in self._executor.wait(lambda report: self._decide(report, budget), timeout):
            self._end(self._result(task_result))
        self._drop_late(budget)
        if self._is_overdue(budget):
            self._drop_all(budget)

    def serve_while_judging(self, budget: Budget) -> None:
        """Like ``serve``, for a step that takes long; raises ``Overdue`` to end it if the study cannot wait for it."""
        self._check_signals()
        self.serve(budget)
        if self._is_overdue(budget):
            raise Overdue

    def _propose(self, budget: Budget) -> None:
        """Begins to propose, or begins anew."""
        self._proposals: Iterator[Accepted | None] = self._proposer.proposals(partial(self._epochs_that_fit, budget))
        self._news = self._count_news()

    def _count_news(self) -> int:
        """Changes when something has shown how much time the next trial takes, or has."""
        return self._ended + self._forecast.known

    def _step(self, budget: Budget) -> StopReason | None:
        """If a worker is free, judges one proposal and starts its trial; returns the reason if no more will follow.

        The reason may pass again while trials run, since one of them may be better.
        """
        if not self._executor.free:
            return None
        if (reason := self._why_over(budget)) is not None:
            return reason
        try:
            accepted = next(self._proposals)
        except StopIteration:
            if self._proposer.stop_reason is StopReason.NO_TIME and self._count_news() != self._news:
                self._propose(budget)
                return None
            return self._proposer.stop_reason
        except Overdue:
            return self._why_over(budget)
        if accepted is not None:
            self._begin(accepted)
        return None

    def _why_over(self, budget: Budget) -> StopReason | None:
        """Why no trial may begin now; None if one may."""
        if self._faults.persist:
            return StopReason.MACHINE_FAULTS
        reason = budget.why_used_up(self._storage.begun, self._standing)
        return StopReason.NO_ROOM if reason is None and not self._has_room() else reason

    def _learn_whole(self, record: TrialRecord) -> None:
        self._forecast.learn_whole(record.number, record.macs, record.result.seconds, record.result.epochs)

    def _epochs_that_fit(self, budget: Budget, candidate: Candidate) -> float:
        macs = candidate.costs.get("macs")
        return self._forecast.epochs_within(budget.seconds_left, None if macs is None else int(macs))

    def _begin(self, accepted: Accepted) -> None:
        for listener in self._listeners:
            listener.trial_started(accepted.record)
        self._running[accepted.record.number] = _Running()
        self._executor.submit(self._make_task(accepted.record.trial, accepted.candidate))

    def _decide(self, report: Report, budget: Budget) -> Decision:
        self._check_signals()
        running = self._running[report.number]
        if not running.has_begun:
            running.began, running.has_begun, running.held_up = time.monotonic(), True, 0.0
        match report:
            case Began():
                answer = _CONTINUE
            case EpochReport():
                answer = self._after_epoch(report, budget)
            case BatchReport():
                answer = self._within_epoch(report, budget)
        running.answer = answer
        return answer.decision

    def _after_epoch(self, report: EpochReport, budget: Budget) -> Answer:
        record = self._storage.report(report)
        self._forecast.learn(record.macs, report)
        self._running[report.number].history.append(report)
        try:
            for listener in self._listeners:
                listener.epoch_ended(record, report)
        except MachineError as error:
            self._running[report.number].fault = str(error)
            return Answer(Decision.STOP)
        if record.result.epochs >= record.trial.epochs:
            return _CONTINUE
        return self._end_of_one(record, budget) or self._end_of_all(budget) or _CONTINUE

    def _within_epoch(self, report: BatchReport, budget: Budget) -> Answer:
        for listener in self._listeners:
            listener.progressed(self._record(report.number), report)
        return self._end_of_all(budget) or _CONTINUE

    def _end_of_all(self, budget: Budget) -> Answer | None:
        """The answer to every trial once the study is over, else None."""
        if (winner := budget.winner(self._standing)) is not None:
            return Answer(Decision.STOP, f"trial {winner.number} has reached {budget.stop_at:g}")
        return Answer(Decision.STOP) if budget.time_is_up else None

    def _end_of_one(self, record: TrialRecord, budget: Budget) -> Answer | None:
        """The answer to a trial that ends for what it has shown itself, else None."""
        goal, score = budget.stop_at, record.score
        if goal is not None and score is not None and record.metric.reaches(score, goal):
            return Answer(Decision.FINISH, f"it has reached {goal:g}")
        if self._storage.should_prune(record.number):
            return Answer(Decision.PRUNE)
        if not self._storage.stops_trials:
            return None
        cause = why_final(self._running[record.number].history, record.metric, record.trial.epochs)
        return Answer(Decision.FINISH, cause) if cause else None

    def _is_overdue(self, budget: Budget) -> bool:
        """Whether the study has been over for so long that every trial that can be stopped has stopped."""
        if self._end_of_all(budget) is None:
            return False
        noticed = min(self._over_since, time.monotonic())
        self._over_since = noticed if budget.deadline is None else min(noticed, budget.deadline)
        grace = budget.grace if budget.time_is_up else min(budget.grace, Budget.grace)
        return time.monotonic() >= self._over_since + grace

    def _drop_late(self, budget: Budget) -> None:
        """Fails trials that take longer than one may, without the time in which the loop could not answer them."""
        now, looked = time.monotonic(), self._looked
        self._looked = now
        for record in self._storage.running:
            running = self._running[record.number]
            running.held_up += max(0.0, now - max(looked, running.began) - 2 * _TICK)
            if reason := budget.why_late(running.began + running.held_up, running.has_begun):
                self._executor.drop(record.number)
                fault = Fault.ERROR if running.has_begun else Fault.MACHINE
                self._end(self._without_answer(record, fault, reason))

    def _drop_all(self, budget: Budget) -> None:
        """Ends the trials that have not stopped: they build, compile, or are in a long batch.

        The model that such a trial has saved of a finished epoch is kept.
        """
        for record in self._storage.running:
            self._executor.drop(record.number)
            self._running[record.number].answer = self._end_of_all(budget) or _CONTINUE
            self._end(self._without_answer(record, Fault.NONE, ""))

    def _result(self, task_result: TaskResult) -> TrialResult:
        """The worker's result of a trial; if the worker raised or died, a failed one."""
        if reason := self._running[task_result.number].fault:
            return self._without_answer(self._record(task_result.number), Fault.MACHINE, reason)
        if task_result.error is None:
            result: TrialResult = task_result.value
            return result
        fault = Fault.MACHINE if isinstance(task_result.error, MachineError) else Fault.ERROR
        return self._without_answer(self._record(task_result.number), fault, str(task_result.error))

    def _record(self, number: int) -> TrialRecord:
        return next(record for record in self._storage.running if record.number == number)

    def _without_answer(self, record: TrialRecord, fault: Fault, reason: str) -> TrialResult:
        """The result of a trial whose worker gave none, made of its reports, the last answer to it, and the fault."""
        running = self._running[record.number]
        decision = running.answer.decision
        end = ending(decision, record.result.epochs, fault)
        return replace(
            record.result,
            state=end.state,
            decision=decision,
            fault=fault,
            reason=reason,
            seconds=time.monotonic() - running.began,
            model=record.result.model if end.keeps_model else "",
        )

    def _end(self, result: TrialResult) -> None:
        running = self._running.pop(result.number)
        reason = result.reason or ending_reason(result.decision, result.epochs, running.answer.cause)
        record = self._storage.tell(replace(result, reason=reason))
        self._standing.add(record)
        self._faults.add(result, running.began, record.trial.slot if self._slots_stay else None)
        self._learn_whole(record)
        self._ended += 1
        for listener in self._listeners:
            listener.trial_ended(record)
