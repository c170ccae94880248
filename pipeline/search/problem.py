"""The problem that a study searches: its space, how params are judged, and how its trials are trained."""

from collections.abc import Callable
from dataclasses import dataclass

from pipeline.candidate import Candidate, Judge
from pipeline.data import Dataset
from pipeline.executors import Task
from pipeline.space import Space
from pipeline.study.model_metadata import ModelMetadata
from pipeline.study.objective import Objective
from pipeline.study.paths import StudyPaths
from pipeline.study.trial import Trial, TrialResult
from pipeline.training.inputs import TrainingInputs

MakeTask = Callable[[Candidate, TrainingInputs], Task[TrialResult]]
"""Makes the task that trains a candidate in a worker; families and HyperModels have one each."""


@dataclass(frozen=True)
class SearchProblem:
    """Everything that the trials of a study have in common.

    ``precision`` is ``auto`` or a Keras dtype policy. ``seed`` is the study's; models record it with their data.
    """

    space: Space
    judge: Judge
    make_task: MakeTask
    dataset: Dataset
    objective: Objective
    precision: str
    seed: int
    paths: StudyPaths

    def task(self, trial: Trial, candidate: Candidate) -> Task[TrialResult]:
        """The task that trains the candidate of a trial in a worker."""
        return self.make_task(candidate, self._inputs(trial))

    def _inputs(self, trial: Trial) -> TrainingInputs:
        metadata = ModelMetadata(
            classes=self.dataset.classes,
            shape=self.dataset.shape,
            dataset=self.dataset.name,
            digest=self.dataset.digest,
            seed=self.seed,
            study=self.paths.name,
            trial=trial.number,
            metric=self.objective.metric.name,
            white=self.dataset.white,
        )
        model_file = self.paths.model(trial.number).resolve()
        return TrainingInputs(trial, self.dataset, self.objective.metric, self.precision, model_file, metadata)
