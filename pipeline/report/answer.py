"""What a study has found, in a few sentences: the best model, what was searched, how sure the score is, what is next.

Here ``evaluated`` is the study's best model on the test images, None if that has not been tested.
"""

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pipeline.metrics import METRICS, Metric
from pipeline.metrics.interval import wilson
from pipeline.quantity import format_count
from pipeline.report.evaluated_model import EvaluatedModel
from pipeline.report.formatting import describe_score, format_params, varying_groups
from pipeline.report.leaderboard import describe_infeasible
from pipeline.report.study_trials import StudyTrials
from pipeline.report.trial_lines import format_short
from pipeline.study.record import TrialRecord, best
from pipeline.study.trial import TrialState


class Score(NamedTuple):
    """A score of the best model: on which images, how many these are ("": unknown), and its 95 % interval or ""."""

    metric: str
    images: str
    n: str
    score: str
    interval: str


def describe_best(trials: StudyTrials, evaluated: EvaluatedModel | None) -> str:
    """Which model is the best, how good it is and what it is like; that there is none where no trial has left one."""
    record = best(trials.records)
    if record is None:
        return "No trial has left a model."
    scores = [f"{score.images} {score.metric} {score.score}" for score in best_scores(trials, evaluated)[:2]]
    size = [f"{format_count(count)} {name}" for name, count in _sizes(record) if count is not None]
    params = format_params(record.params, varying_groups(trials.records))
    lines = [f"The best model is that of trial {record.number}: {', '.join(scores)}."]
    lines += [f"Its network: {', '.join([*size, *([params] if params else [])])}."] if size or params else []
    if evaluated and evaluated.caveat:
        lines.append(f"Not trained to its end: {evaluated.caveat}.")
    return " ".join(lines)


def describe_search(trials: StudyTrials, job: Mapping[str, Any], evaluated: EvaluatedModel | None) -> str:
    """What was searched, on what, and how the trials ended."""
    records = trials.records
    data = evaluated.data if evaluated and evaluated.data else str(job.get("data", "unknown data"))
    states = Counter(record.state for record in records)
    counts = ", ".join(f"{states[state]:,} {state}" for state in TrialState if states[state])
    epochs, seconds = max(record.trial.epochs for record in records), sum(record.result.seconds for record in records)
    lines = [
        f"The space {job.get('space', 'of this study')} was searched on {data}.",
        f"Of {len(records):,} trial{'' if len(records) == 1 else 's'}, {counts}; each of at most {epochs:,}"
        f" epoch{'' if epochs == 1 else 's'}, {format_short(seconds)} of training in all.",
        f"They are scored by {describe_score(records[0].metric)}.",
    ]
    if line := describe_infeasible(trials.infeasible):
        lines.append(f"{line}.")
    if front := sum(record.front for record in records):
        names = " and ".join(("score", *records[0].objective.minimized))
        lines.append(f"On the Pareto front of {names}: {front} trial{'' if front == 1 else 's'}.")
    return " ".join(lines)


def _sizes(record: TrialRecord) -> tuple[tuple[str, int | None], ...]:
    return ("parameters", record.parameters), ("MACs", record.macs)


def best_scores(trials: StudyTrials, evaluated: EvaluatedModel | None) -> list[Score]:
    """The score of the best model on the validation images, then all its scores on the test images."""
    record = best(trials.records)
    if record is None or record.score is None:
        return []
    scores = [_validation(record, evaluated.validation if evaluated else 0)]
    if evaluated is not None:
        others = [metric for metric in METRICS.values() if metric.name != record.metric.name]
        for metric in (record.metric, *others):
            if (score := evaluated.scores.get(metric.name)) is not None:
                scores.append(_score(metric, "test", evaluated.n, score, evaluated.intervals.get(metric.name)))
    return scores


def _validation(record: TrialRecord, n: int) -> Score:
    """The score on ``n`` validation images; only a share of images has an interval without the images themselves."""
    assert record.score is not None
    interval = wilson(record.score * n, n) if record.metric.share_of_images else None
    return _score(record.metric, "validation", n, record.score, interval)


def _score(metric: Metric, images: str, n: int, score: float, interval: Sequence[float] | None) -> Score:
    ends = "{:.4f} to {:.4f}".format(*interval) if interval else ""
    return Score(metric.label, images, f"{n:,}" if n else "", f"{score:.4f}", ends)


def describe_scores(trials: StudyTrials, evaluated: EvaluatedModel | None) -> str:
    """How far the scores can be trusted; "" without a model."""
    record = best(trials.records)
    if record is None:
        return ""
    chosen = f"It was chosen among {len(trials.records):,} trials by its validation score, so that is a little too good"
    if evaluated is None:
        return f"{chosen}. It has not been tested yet."
    return f"{chosen}; the test images took no part in the search."


def next_commands(trials: StudyTrials) -> list[tuple[str, str]]:
    """What to do next: a sentence and its command each."""
    name = shlex.quote(trials.paths.argument)
    if trials.running:
        return [("See how it goes on", f"convtune report {name}")]
    go_on = ("Search further", f"convtune tune --study {name} --trials {2 * len(trials.records)}")
    if best(trials.records) is None:
        return [go_on]
    return [("Hand over the best model", f"convtune export {name}"), go_on]
