"""Records of trials, running or ended: the rows of all tables, their ranking and their Pareto front."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pipeline.hyperparameter import Scalar
from pipeline.metrics import Metric
from pipeline.quantity import counted, format_count
from pipeline.study.objective import Objective, pareto_front
from pipeline.study.trial import Trial, TrialResult, TrialState


@dataclass(frozen=True, repr=False)
class TrialRecord:
    """A trial and its result so far; the state is ``running`` until the trial ends.

    ``objective`` is the study's. ``front`` says whether the trial is on the Pareto front of a study that minimises
    costs; ``mark_front`` sets it. ``study`` names the study where trials of several are listed together (else "").
    """

    trial: Trial
    result: TrialResult
    objective: Objective
    front: bool = False
    study: str = ""

    @property
    def number(self) -> int:
        """The trial's number in its study."""
        return self.trial.number

    @property
    def params(self) -> dict[str, Scalar]:
        """Its complete configuration, including the constants of the space."""
        return self.trial.params

    @property
    def drawn(self) -> tuple[str, ...]:
        """The names of the params that the space drew."""
        return self.trial.drawn

    @property
    def costs(self) -> Mapping[str, float]:
        """The costs of its network by name."""
        return self.trial.costs

    @property
    def metric(self) -> Metric:
        """The study's metric, by which it is scored."""
        return self.objective.metric

    @property
    def state(self) -> TrialState:
        """The trial's state."""
        return self.result.state

    @property
    def score(self) -> float | None:
        """The best score of its epochs so far, None until an epoch has a finite one."""
        return self.result.score

    @property
    def parameters(self) -> int | None:
        """The number of trainable weights, None where they were not counted."""
        return self._count("parameters")

    @property
    def macs(self) -> int | None:
        """The multiply-accumulates of a forward pass of one image, None where they were not counted."""
        return self._count("macs")

    def _count(self, name: str) -> int | None:
        return int(self.costs[name]) if name in self.costs else None

    def __repr__(self) -> str:
        """One line with what people ask for: state, score, costs, the params that the space drew, the model's file."""
        score = [] if self.score is None else [f"{self.metric.name} {self.score:.4f}"]
        epochs = counted(self.result.epochs, "epoch")
        params = " ".join(f"{name}={_short(self.params[name])}" for name in self.drawn)
        model = f"model {self.result.model}" if self.result.model else "no model"
        facts = ", ".join([self.result.reason or self.state.value, *score, epochs, *describe_size(self)])
        return f"<Trial {self.number}: {'; '.join(filter(None, [facts, params, model]))}>"


def describe_size(record: TrialRecord) -> list[str]:
    """The costs of a trial's network that are known: ``1.2 M parameters``, ``20.3 M MACs``."""
    counts = {"parameters": record.parameters, "MACs": record.macs}
    return [f"{format_count(count)} {name}" for name, count in counts.items() if count is not None]


def _short(value: Scalar) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def standing_run(earlier: TrialRecord, later: TrialRecord) -> TrialRecord:
    """The record that stands for two runs of a trial: the later one, with the better score and its model.

    A later run that was interrupted without a better model does not count at all. One that failed counts as a failed
    trial, which has the score and the model of the earlier run.
    """
    if not earlier.result.model or later.state is TrialState.RUNNING:
        return later
    if later.result.model and later.score is not None and later.metric.better(later.score, than=earlier.score):
        return later
    if later.state is TrialState.INTERRUPTED:
        return earlier
    return replace(later, result=replace(later.result, score=earlier.score, model=earlier.result.model))


def mark_front(records: Sequence[TrialRecord]) -> list[TrialRecord]:
    """The records of one study, each with ``front`` set: whether it is on the Pareto front of score and costs.

    Only complete trials can be on the front, since a trial that was stopped early might have improved. A study that
    minimises no costs has no front.
    """
    points = {record.number: point for record in records if (point := _point(record)) is not None}
    numbers = list(points)
    front = {numbers[index] for index in pareto_front(list(points.values()))}
    on_front = (record.number in front for record in records)
    return [
        record if record.front is is_on else replace(record, front=is_on)
        for record, is_on in zip(records, on_front, strict=True)
    ]


def keep_ended(records: dict[int, TrialRecord], ended: TrialRecord) -> None:
    """Puts a trial that has ended among the others of its study: the new Pareto front is that of the old one and it."""
    front = [record for record in records.values() if record.front and record.number != ended.number]
    records |= {record.number: record for record in mark_front([*front, ended])}


def _point(record: TrialRecord) -> tuple[float, ...] | None:
    if not record.objective.minimized or record.state is not TrialState.COMPLETE or record.score is None:
        return None
    if not math.isfinite(record.score):
        return None
    return record.metric.loss(record.score), *(record.costs[name] for name in record.objective.minimized)


def ranked(records: Sequence[TrialRecord]) -> list[TrialRecord]:
    """The records best first: by score, then by costs (those that the study minimises, then MACs), then by number.

    The Pareto front comes first, then the other trials that left a model, also interrupted ones, then those without.
    Running trials are left out, and those without a score. So are failed ones, but for one whose earlier run was
    interrupted and has left a model: what was the best model of a study stays that when the repetition fails.
    """
    return sorted(filter(_is_ranked, records), key=_sort_key)


def _is_ranked(record: TrialRecord) -> bool:
    if record.score is None:
        return False
    return record.state in _RANKED or (record.state is TrialState.FAILED and bool(record.result.model))


def _sort_key(record: TrialRecord) -> tuple[float, ...]:
    assert record.score is not None
    costs = (record.costs.get(name, math.inf) for name in (*record.objective.minimized, "macs"))
    return not record.front, not _has_model(record), record.metric.loss(record.score), *costs, record.number


def _has_model(record: TrialRecord) -> bool:
    """Whether a trial left a model, which a complete one does unless somebody has removed the file."""
    return record.state is TrialState.COMPLETE or bool(record.result.model)


_RANKED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.INTERRUPTED)


def best(records: Sequence[TrialRecord]) -> TrialRecord | None:
    """The best-ranked record with a model, None if there is none.

    If there is a Pareto front, this is the record with the best score on it.
    """
    return next((record for record in ranked(records) if record.result.model), None)


def tied(records: Sequence[TrialRecord]) -> list[TrialRecord]:
    """The other records with a model and the best one's score, best-ranked first: only their costs rank behind it."""
    winner = best(records)
    return [
        record
        for record in ranked(records)
        if winner is not None and record is not winner and record.result.model and record.score == winner.score
    ]
