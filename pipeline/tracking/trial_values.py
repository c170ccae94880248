"""The title, tags, params and metrics that MLflow keeps of a trial, from its record and its reports."""

import time

from mlflow.entities import Metric, Param, RunTag

from pipeline.study.record import TrialRecord
from pipeline.study.trial import EPOCH_LEARNING_RATE, EpochReport, TrialState
from pipeline.tracking.entities import to_metrics, to_params, to_tags


class EpochMetrics:
    """The metrics of one trial, epoch by epoch; what has been told of it decides what is told next."""

    def __init__(self) -> None:
        self._epoch = 0
        self._rates: list[Metric] = []

    def after_epoch(
        self, record: TrialRecord, report: EpochReport, now: int, usage: dict[str, float] | None = None
    ) -> list[Metric]:
        """The metrics of an epoch, with the epoch as step; the record's score is the best so far.

        First comes the score: MLflow's comparison of runs opens with the metric that came first. The learning rate is
        told once it has changed, then for all epochs: one that stays is a param and no chart.
        """
        metrics, rates = dict(report.metrics), self._rates
        rates += to_metrics({EPOCH_LEARNING_RATE: metrics.pop(EPOCH_LEARNING_RATE, None)}, now, report.epoch)
        changed_before, changed = (len({rate.value for rate in some}) > 1 for some in (rates[:-1], rates))
        worth_a_chart = rates[-1:] if changed_before else rates if changed else []
        by_epoch = _result(record.score, report.seconds) | metrics | (usage or {})
        constant = _constant(record, report.epoch, with_costs=self._epoch == 0)
        self._epoch = report.epoch
        return [*to_metrics(by_epoch, now, report.epoch), *worth_a_chart, *to_metrics(constant, now)]

    def at_the_end(self, record: TrialRecord, now: int) -> list[Metric]:
        """The score, seconds and epochs of an ended trial."""
        result = record.result
        final = to_metrics(_result(result.score, result.seconds), now, max(self._epoch, result.epochs))
        return [*final, *to_metrics(_constant(record, result.epochs, with_costs=self._epoch == 0), now)]


def began(record: TrialRecord) -> int:
    """When a trial began, in milliseconds since 1970; now, if an older version has not noted it."""
    return to_milliseconds(record.trial.began or time.time())


def to_milliseconds(seconds: float) -> int:
    """Milliseconds since 1970."""
    return int(seconds * 1000)


def start_tags(record: TrialRecord) -> list[RunTag]:
    """The tags of a trial that begins.

    Params that all trials share would only be axes and columns that say nothing: they are one tag, ``constants``.
    """
    constants = {name: value for name, value in record.params.items() if name not in record.drawn}
    trial, family = record.trial, record.params.get("family")
    about = {"number": record.number, "family": family, "source": trial.source, **_tagged(record)}
    return to_tags({**about, "metric": record.metric.name, "seed": trial.seed, "constants": constants or None})


def drawn_params(record: TrialRecord) -> list[Param]:
    """The params that the space drew."""
    return to_params({name: record.params[name] for name in record.drawn})


def end_tags(record: TrialRecord) -> list[RunTag]:
    """Where a trial ran, and why it ended early."""
    return to_tags({"device": record.result.device, "reason": record.result.remark})


def as_shown(score: float | None) -> float | None:
    """A score with six decimals: the UI's tables show all digits that there are."""
    return None if score is None else round(score, 6)


def trial_title(record: TrialRecord, label: str) -> str:
    """The name of a trial's run: its number, its family (or ``label``, that of the HyperModel), and how it ended.

    >>> from pipeline.study.objective import Objective
    >>> from pipeline.study.trial import Trial, TrialResult
    >>> trial, result = Trial(12, {"family": "residual"}, 0, 10), TrialResult(12, TrialState.COMPLETE, 0.91402)
    >>> trial_title(TrialRecord(trial, result, Objective()), "")
    '#12 residual 0.914'
    """
    words = [f"#{record.number}", str(record.params.get("family", label))]
    if record.state is TrialState.COMPLETE and record.score is not None:
        words.append(f"{record.score:.4g}")
    elif record.state is not TrialState.RUNNING:
        words.append(record.state.value)
    return " ".join(word for word in words if word)


def _result(score: float | None, seconds: float) -> dict[str, float | None]:
    return {"score": as_shown(score), "seconds": round(seconds, 1)}


def _constant(record: TrialRecord, epochs: int, with_costs: bool) -> dict[str, float | None]:
    """The values without steps: metrics all the same, since MLflow sorts params and tags as text."""
    costs = {name: cost for name, cost in record.costs.items() if name not in _tagged(record)}
    return {"epochs": epochs, **(costs if with_costs else {})}


def _tagged(record: TrialRecord) -> dict[str, float]:
    """The costs that are tags: each metric without steps is a chart of a single bar on the page of its run."""
    named = {"memory"} - set(record.objective.minimized)
    return {name: cost for name, cost in record.costs.items() if name in named}
