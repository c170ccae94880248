"""Tasks for a worker: train a trial, predict images, measure a model. Without Keras until they run."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.architecture import Architecture
from pipeline.arrays import Probabilities
from pipeline.candidate import Candidate, FamilyCandidate
from pipeline.data import Dataset
from pipeline.executors import progress_of
from pipeline.recipe import Recipe
from pipeline.study.trial import ReportCallback, TrialResult
from pipeline.training.inputs import TrainingInputs
from pipeline.training.measured_latency import Latency
from pipeline.training.runnable_model import RunnableModel
from pipeline.training.smaller_batches import train_in_memory


@dataclass(frozen=True)
class TrainTask:
    """The task of training a network of one of the FAMILIES."""

    inputs: TrainingInputs
    architecture: Architecture
    recipe: Recipe

    @property
    def number(self) -> int:
        """The trial's number."""
        return self.inputs.trial.number

    def run(self, report: ReportCallback) -> TrialResult:
        """See ``pipeline.training.fit.train``; with smaller batches where it exceeds the memory."""
        from pipeline.training.fit import train

        def train_with(size: int, report: ReportCallback) -> TrialResult:
            return train(self.architecture, replace(self.recipe, batch_size=size), self.inputs, report)

        return train_in_memory(train_with, min(self.recipe.batch_size, len(self.inputs.dataset.train)), report)


def make_task(candidate: Candidate, inputs: TrainingInputs) -> TrainTask:
    """The training of a candidate of one of the FAMILIES."""
    assert isinstance(candidate, FamilyCandidate)
    return TrainTask(inputs, candidate.architecture, candidate.recipe)


@dataclass(frozen=True, eq=False)
class PredictDataset:
    """The task of predicting the images ``rows`` of a dataset."""

    model: RunnableModel
    dataset: Dataset
    rows: NDArray[np.int64]
    number: int = -1

    def run(self, report: ReportCallback) -> Probabilities:
        """See ``pipeline.training.predict.predict_dataset``."""
        from pipeline.training.predict import predict_dataset

        return predict_dataset(self.model, self.dataset, self.rows, progress_of(self, report))


@dataclass(frozen=True)
class PredictFiles:
    """The task of predicting image files."""

    model: RunnableModel
    paths: Sequence[Path]
    number: int = -1

    def run(self, report: ReportCallback) -> tuple[Probabilities, list[str]]:
        """See ``pipeline.training.predict.predict_files``."""
        from pipeline.training.predict import predict_files

        return predict_files(self.model, self.paths, progress_of(self, report))


@dataclass(frozen=True, eq=False)
class PredictAndTime:
    """The task of predicting the images ``rows`` of a dataset, at least one, and of measuring the model's latency."""

    model: RunnableModel
    dataset: Dataset
    rows: NDArray[np.int64]
    number: int = -1

    def run(self, report: ReportCallback) -> tuple[Probabilities, list[Latency]]:
        """See ``pipeline.training.predict.predict_and_time``."""
        from pipeline.training.predict import predict_and_time

        return predict_and_time(self.model, self.dataset, self.rows, progress_of(self, report))
