"""The facts about a study that its report page, MLflow and the terminal tell, each in its own form."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pipeline.errors import StudyError
from pipeline.metrics import METRICS, Metric
from pipeline.metrics.interval import Interval, wilson
from pipeline.report.evaluated_model import EvaluatedModel, read_evaluated_model
from pipeline.report.next_commands import next_commands
from pipeline.report.study_trials import StudyTrials
from pipeline.study.record import TrialRecord, best, tied
from pipeline.study.trial import TrialState
from pipeline.yaml_file import read_mapping


@dataclass(frozen=True)
class Score:
    """A score of the best model on the ``n`` images (0: unknown) of a split, and its 95 % interval.

    ``value`` is None where the metric is not defined for these images, ``interval`` where nothing can be said.
    """

    metric: Metric
    split: str
    value: float | None
    n: int = 0
    interval: Interval | None = None

    def __str__(self) -> str:
        if self.value is None:
            return f"{self.split} {self.metric.label} not defined"
        sure = f" (95 % interval {self.interval})" if self.interval else ""
        return f"{self.split} {self.metric.label} {self.value:.4f}{sure}"


@dataclass(frozen=True)
class Findings:
    """The facts about a study: all that is said of its answer follows from its trials, its job and the tested model.

    ``job`` is the content of the job file, ``evaluated`` the best trial's model on the test images (None: not tested).
    """

    trials: StudyTrials
    job: Mapping[str, Any]
    evaluated: EvaluatedModel | None = None

    @cached_property
    def best(self) -> TrialRecord | None:
        """The best trial with a model."""
        return best(self.trials.records)

    @property
    def tied(self) -> list[int]:
        """The numbers of the other trials whose models are as good on the validation images."""
        return [record.number for record in tied(self.trials.records)]

    @property
    def states(self) -> dict[TrialState, int]:
        """How many trials are in each state that one is in."""
        counts = Counter(record.state for record in self.trials.records)
        return {state: counts[state] for state in TrialState if counts[state]}

    @property
    def front(self) -> int:
        """How many trials are on the Pareto front; 0 in a study that minimises no costs."""
        return sum(record.front for record in self.trials.records)

    @property
    def data(self) -> str:
        """The images, in a line as far as they are known."""
        noted = self.evaluated.data if self.evaluated else ""
        return noted or str(self.job.get("data", "unknown data"))

    @property
    def validation(self) -> Score | None:
        """The score by which the best trial was chosen; without the images, only a share of them has an interval."""
        if self.best is None or self.best.score is None:
            return None
        n, metric, score = self.evaluated.validation if self.evaluated else 0, self.best.metric, self.best.score
        return Score(metric, "validation", score, n, wilson(score * n, n) if metric.share_of_images else None)

    @property
    def test(self) -> Score | None:
        """The score of the best model on the test images, by the study's metric; None if it has not been tested."""
        return self._tested(self.best.metric) if self.best is not None else None

    @property
    def scores(self) -> list[Score]:
        """The scores of the best model that are defined: validation, test, then other metrics on the test images."""
        own = [self.validation, self.test]
        others = [self._tested(metric) for metric in METRICS.values() if self.test and metric != self.test.metric]
        return [score for score in [*own, *others] if score is not None and score.value is not None]

    def _tested(self, metric: Metric) -> Score | None:
        of = self.evaluated
        if of is None:
            return None
        return Score(metric, "test", of.scores.get(metric.name), of.n, of.intervals.get(metric.name))

    @property
    def next(self) -> list[tuple[str, str]]:
        """What to do next: a sentence and its command each."""
        return next_commands(self.trials, self.job)


def read_findings(trials: StudyTrials) -> Findings:
    """The facts about a study that has begun, from its folder; StudyError when a file of it is damaged."""
    evaluated, winner = read_evaluated_model(trials.paths), best(trials.records)
    is_of_best = evaluated is not None and winner is not None and evaluated.model.trial == winner.number
    return Findings(trials, read_mapping(trials.paths.job, StudyError), evaluated if is_of_best else None)
