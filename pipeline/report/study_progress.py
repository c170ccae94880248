"""The progress of a study: the trials that have ended, those that train, and the time left. It reads no clock."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce

from pipeline.study.record import TrialRecord, ranked
from pipeline.study.trial import BatchReport, EpochReport, TrialState


@dataclass(frozen=True)
class RunningTrial:
    """A trial that trains: its latest record, and its score after each epoch so far.

    ``ends`` are the seconds from its beginning to the end of each epoch, ``batch`` is its report from within the epoch
    that it trains now (None: there was none yet).
    """

    record: TrialRecord
    scores: tuple[float, ...] = ()
    ends: tuple[float, ...] = ()
    batch: BatchReport | None = None

    @property
    def epochs(self) -> float:
        """How many of its epochs are done, with the share of the one that it trains now."""
        done = self.batch.batch / self.batch.batches if self.batch and self.batch.batches else 0.0
        return len(self.scores) + min(done, 1.0)

    @property
    def epoch_left(self) -> float | None:
        """Seconds until the end of the epoch, None where that cannot be told yet.

        From the second epoch on, the last one tells: before, validation is left out. (The first epoch takes longest,
        since the backend compiles.)
        """
        if self.batch is None:
            return None
        if (length := self._epoch_length) is not None:
            return max(length - (self.batch.seconds - self.ends[-1]), 0.0)
        if self.batch.batches is None or not self.batch.speed:
            return None
        return max(self.batch.batches - self.batch.batch, 0) / self.batch.speed

    @property
    def left(self) -> float | None:
        """Seconds until the end of the trial, if nothing stops it; None where that cannot be told yet."""
        if self.batch is None or (epoch_left := self.epoch_left) is None:
            return None
        length = self._epoch_length
        if length is None and self.batch.speed and self.batch.batches:
            length = self.batch.batches / self.batch.speed
        further = max(self.record.trial.epochs - len(self.ends) - 1, 0)
        return None if length is None else epoch_left + further * length

    @property
    def _epoch_length(self) -> float | None:
        return self.ends[-1] - self.ends[-2] if len(self.ends) > 1 else None


@dataclass(frozen=True)
class Ended:
    """The trials that have ended: how many in each state, and the best one. It stays small however many they are.

    The best one has the best score, those that left a model first; None if no trial has a score. A Pareto front is left
    out of account: only the trials of earlier runs know their place on it.
    """

    counts: Mapping[TrialState, int] = field(default_factory=dict)
    best: TrialRecord | None = None

    @classmethod
    def of(cls, records: Iterable[TrialRecord]) -> "Ended":
        """These trials."""
        return reduce(cls.plus, records, cls())

    def plus(self, record: TrialRecord) -> "Ended":
        """These trials and one more."""
        counts = {**self.counts, record.state: self.counts.get(record.state, 0) + 1}
        ranking = ranked([*filter(None, [self.best]), replace(record, front=False)])
        return Ended(counts, ranking[0] if ranking else None)

    def __len__(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True)
class StudyProgress:
    """The progress of a study. It is immutable: every event makes a new one.

    ``total`` is the number of trials that the study will have (it may be infinite), and ``earlier`` is how many of the
    ``ended`` ones are from earlier runs of the command.
    """

    total: float
    ended: Ended = Ended()
    running: tuple[RunningTrial, ...] = ()
    infeasible: int = 0
    earlier: int = 0

    @property
    def best(self) -> TrialRecord | None:
        """The best of the trials that have ended."""
        return self.ended.best

    @property
    def work(self) -> float:
        """The work done in this run, in trials: a running trial counts by the share of its epochs."""
        shares = (trial.epochs / trial.record.trial.epochs for trial in self.running)
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
        return self._with_trial(
            record.number,
            lambda trial: RunningTrial(record, (*trial.scores, score), (*trial.ends, report.seconds)),
        )

    def with_batch(self, report: BatchReport) -> "StudyProgress":
        """The progress after a report from within an epoch of a running trial."""
        return self._with_trial(report.number, lambda trial: replace(trial, batch=report))

    def _with_trial(self, number: int, change: Callable[[RunningTrial], RunningTrial]) -> "StudyProgress":
        running = (change(trial) if trial.record.number == number else trial for trial in self.running)
        return replace(self, running=tuple(running))

    def with_ended(self, record: TrialRecord) -> "StudyProgress":
        """The progress after a trial has ended. An interrupted trial is still to be done."""
        running = tuple(trial for trial in self.running if trial.record.number != record.number)
        ended = self.ended if record.state is TrialState.INTERRUPTED else self.ended.plus(record)
        return replace(self, running=running, ended=ended)


def trials_that_fit(study: StudyProgress, seconds: float, until: float | None) -> int | None:
    """How many trials the study will have ended in ``until`` seconds, at the pace of its work in ``seconds``.

    None without a time limit, when the time is up, before enough is done for one trial, and where all trials fit.

    >>> trials_that_fit(StudyProgress(math.inf), seconds=0, until=60) is None
    True
    """
    if until is None or until <= 0 or study.work <= 0 or seconds <= 0:
        return None
    fit = study.earlier + int(study.work + until * study.work / seconds)
    return fit if 1 <= fit < study.total else None


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
