"""Brings MLflow's run of a trial level with what the study knows of it."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from mlflow.entities import Metric, Run

from pipeline.study.record import TrialRecord
from pipeline.study.trial import EpochReport
from pipeline.tracking.runs import STATUS, Runs
from pipeline.tracking.trial_values import (
    EpochMetrics,
    as_shown,
    began,
    drawn_params,
    end_tags,
    start_tags,
    to_milliseconds,
)


def renew(runs: Runs, record: TrialRecord, read_history: Callable[[], Sequence[EpochReport]], title: str) -> None:
    """Writes the run of an ended trial, unless the one that MLflow has says the same; that one is deleted first.

    Its times are those of the trial. Repeating it does no harm.
    """
    number, result = record.number, record.result
    if _says_the_same(runs.found.get(number), record):
        return
    start = began(record)
    runs.create_trial(number, title, start_tags(record), start)
    runs.log_trial(number, _metrics(record, read_history(), start), drawn_params(record))
    end = start + to_milliseconds(result.seconds)
    runs.end_trial(number, result.state, end_tags(record), end, title)
    runs.renewed.add(number)


def _says_the_same(run: Run | None, record: TrialRecord) -> bool:
    """Whether a run has the end of the trial. It is written last, and in order: so all before it is there too."""
    if run is None or run.info.status != STATUS[record.state] or run.data.tags.get("state") != record.state.value:
        return False
    metrics, score = run.data.metrics, as_shown(record.score)
    return metrics.get("epochs") == record.result.epochs and score in (None, metrics.get("score"))


def _metrics(record: TrialRecord, history: Sequence[EpochReport], start: int) -> list[Metric]:
    """All metrics of a trial, epoch by epoch, as they would have been sent."""
    epochs, metrics = EpochMetrics(), list[Metric]()
    best: float | None = None
    for report in history:
        score = report.metrics.get(record.metric.logged_as)
        best = score if score is not None and record.metric.better(score, best) else best
        so_far = replace(record, result=replace(record.result, score=best))
        metrics += epochs.after_epoch(so_far, report, start + to_milliseconds(report.seconds))
    return [*metrics, *epochs.at_the_end(record, start + to_milliseconds(record.result.seconds))]
