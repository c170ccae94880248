"""Events of trials, in one plain line each: for log files, and above the live view."""

import math
from datetime import timedelta

from pipeline.quantity import counted
from pipeline.report.formatting import displayed_reason, format_drawn
from pipeline.report.study_progress import RunningTrial, StudyProgress
from pipeline.study.record import TrialRecord
from pipeline.study.trial import BatchReport, EpochReport, TrialState


def describe_start(record: TrialRecord, digits: int = 1) -> str:
    """``trial 7  began     filters=16,32 lr=0.0021``; ``digits`` is the width of the trial's number."""
    return f"{_trial(record, digits)}  began     {format_drawn(record)}".rstrip()


def describe_epoch(record: TrialRecord, report: EpochReport, digits: int = 1) -> str:
    """``trial 7  epoch 3/8  loss 0.3124  val_accuracy 0.9012``: all metrics of an epoch."""
    epochs = record.trial.epochs
    metrics = "  ".join(f"{name} {value:.4g}" for name, value in report.metrics.items())
    return f"{_trial(record, digits)}  epoch {report.epoch:>{len(str(epochs))}}/{epochs}  {metrics}"


def describe_batch(trial: RunningTrial, digits: int = 1) -> str:
    """``trial 7  epoch 3/8  batch 120/400  1,250 images/s  left: epoch 0:12, trial 1:40``."""
    epochs, batch = trial.record.trial.epochs, trial.batch
    line = f"{_trial(trial.record, digits)}  epoch {len(trial.scores) + 1:>{len(str(epochs))}}/{epochs}"
    return line if batch is None else f"{line}  {describe_share(batch)}  {describe_pace(trial)}".rstrip()


def describe_share(report: BatchReport) -> str:
    """How far an epoch is.

    >>> describe_share(BatchReport(7, 120, 400))
    'batch 120/400'
    """
    return f"batch {report.batch}" + ("" if report.batches is None else f"/{report.batches}")


def describe_pace(trial: RunningTrial) -> str:
    """``1,250 images/s  left: epoch 0:12, trial 1:40``: what is known of it; "" for a trial that reported no batch."""
    batch = trial.batch
    if batch is None:
        return ""
    parts = []
    if batch.validating:
        parts.append("validating")
    elif batch.speed and batch.batch_size:
        parts.append(f"{batch.speed * batch.batch_size:,.0f} images/s")
    if trial.epoch_left is not None and trial.left is not None:
        parts.append(f"left: epoch {format_short(trial.epoch_left)}, trial {format_short(trial.left)}")
    return "  ".join(parts)


def describe_end(record: TrialRecord, digits: int = 1) -> str:
    """``trial 7  complete  0.9523  8 epochs   6.1 s    filters=16,32 lr=0.0021``, with the reason before the params."""
    result = record.result
    score = "-" if record.score is None else f"{record.score:.4f}"
    length = f"{counted(result.epochs, 'epoch'):<9}  {result.seconds:.1f} s".ljust(18)
    parts = [_trial(record, digits), f"{record.state:<8}", f"{score:<6}", length]
    parts += [displayed_reason(result), format_drawn(record)]
    return "  ".join(part for part in parts if part).rstrip()


def describe_counts(study: StudyProgress) -> str:
    """How many trials ended in each state, and how many proposals were infeasible.

    >>> describe_counts(StudyProgress(20, infeasible=1))
    '0 complete  0 pruned  0 failed  1 infeasible proposal'
    """
    states = study.ended.counts
    counts = [
        f"{states.get(state, 0)} {state}" for state in (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAILED)
    ]
    return "  ".join([*counts, counted(study.infeasible, "infeasible proposal")])


def describe_fit(trials: int) -> str:
    """The forecast of a study that its time limit will end.

    >>> describe_fit(14)
    'about 14 trials in all'
    """
    return f"about {counted(trials, 'trial')} in all"


def format_share(done: int, total: float) -> str:
    """How many trials of the total are done, or how many there are where the total is infinite.

    >>> format_share(7, 20), format_share(7, float("inf"))
    ('7/20', '7 trials')
    """
    return f"{done}/{total:.0f}" if math.isfinite(total) else counted(done, "trial")


def format_time(seconds: float) -> str:
    """A duration as rich's progress columns write it.

    >>> format_time(750)
    '0:12:30'
    """
    return str(timedelta(seconds=round(seconds)))


def format_short(seconds: float) -> str:
    """A duration, without hours where there are none.

    >>> format_short(75), format_short(3700)
    ('1:15', '1:01:40')
    """
    return format_time(seconds).removeprefix("0:").removeprefix("0") if seconds < 3600 else format_time(seconds)


def _trial(record: TrialRecord, digits: int) -> str:
    return f"trial {record.number:>{digits}}"
