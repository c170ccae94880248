"""The progress of a study: the trials that have ended, those that train, and the time left. It reads no clock."""

import math
from dataclasses import dataclass, replace

from pipeline.study.record import TrialRecord, ranked
from pipeline.study.trial import EpochReport, TrialState


@dataclass(frozen=True)
class RunningTrial:
    """A trial that trains: its latest record, and its score after each epoch so far."""

    record: TrialRecord
    scores: tuple[float, ...] = ()


@dataclass(frozen=True)
class StudyProgress:
    """The progress of a study. It is immutable: every event makes a new one.

    ``total`` is the number of trials that the study will have (it may be infinite), and ``earlier`` is how many of the
    ``ended`` ones are from earlier runs of the command.
    """

    total: float
    ended: tuple[TrialRecord, ...] = ()
    running: tuple[RunningTrial, ...] = ()
    infeasible: int = 0
    earlier: int = 0

    @property
    def best(self) -> TrialRecord | None:
        """The trial of the best score, complete ones first; None if no trial has a score.

        A Pareto front is left out of account: only the trials of earlier runs know their place on it.
        """
        ranking = ranked([replace(record, front=False) for record in self.ended])
        return ranking[0] if ranking else None

    @property
    def work(self) -> float:
        """The work done in this run, in trials: a running trial counts by the share of its epochs."""
        shares = (len(trial.scores) / trial.record.trial.epochs for trial in self.running)
        return len(self.ended) - self.earlier + sum(shares)

    @property
    def left(self) -> float:
        """The work still to do, in trials; infinite where the total is."""
        return max(self.total - self.earlier - self.work, 0)

    def with_started(self, record: TrialRecord) -> "StudyProgress":
        """The progress after a trial has started."""
        return replace(self, running=(*self.running, RunningTrial(record)))

    def with_epoch(self, record: TrialRecord, report: EpochReport) -> "StudyProgress":
        """The progress after a running trial has finished an epoch."""
        score = report.metrics[record.metric.logged_as]
        running = (
            RunningTrial(record, (*trial.scores, score)) if trial.record.number == record.number else trial
            for trial in self.running
        )
        return replace(self, running=tuple(running))

    def with_ended(self, record: TrialRecord) -> "StudyProgress":
        """The progress after a trial has ended. An interrupted trial is still to be done."""
        running = tuple(trial for trial in self.running if trial.record.number != record.number)
        ended = self.ended if record.state is TrialState.INTERRUPTED else (*self.ended, record)
        return replace(self, running=running, ended=ended)


def time_left(left: float, work: float, seconds: float, until: float | None) -> float | None:
    """Seconds until the study ends: ``left`` trials at the pace of ``work`` trials in ``seconds``, at most ``until``.

    ``until`` is the rest of the time limit, None if there is no limit. Then the result is None before any work is done,
    and for an infinite ``left``.

    >>> time_left(left=6, work=3, seconds=30, until=None)
    60.0
    """
    by_trials = left * seconds / work if work > 0 and seconds > 0 else math.inf
    by_limit = math.inf if until is None else max(until, 0.0)
    soonest = min(by_trials, by_limit)
    return soonest if math.isfinite(soonest) else None
