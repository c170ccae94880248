"""Runs the best model of a study on the test images, and draws what it sees."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from pipeline.arrays import Probabilities
from pipeline.console import warn_without
from pipeline.data import Dataset
from pipeline.executors import Executor, Progress, Task, TaskResult, start_all
from pipeline.explain.task import ExplainValidation
from pipeline.explain.write import write_explanation
from pipeline.study.paths import StudyPaths
from pipeline.training.runnable_model import RunnableModel
from pipeline.training.task import PredictDataset

_EXPLAINING, _TESTING = -2, -1
"""The numbers of the tasks that a best model takes."""


def run_best_model(
    executor: Executor, paths: StudyPaths, dataset: Dataset, progress: Progress, meanwhile: Callable[[], None]
) -> Probabilities:
    """The probabilities of the test images; the plots of what it sees go into the study's folder.

    The workers do both side by side as far as there are several; ``meanwhile`` is called while they do.
    """
    results = start_all(executor, _tasks(paths.best_model, dataset), progress)
    meanwhile()
    probabilities: Probabilities = _collect(results, paths)
    return probabilities


def _tasks(model_file: Path, dataset: Dataset) -> list[Task[Any]]:
    """What the workers do. The parent draws the explanation while the others go on, so it comes first."""
    return [
        ExplainValidation(model_file, dataset, number=_EXPLAINING),
        PredictDataset(RunnableModel(model_file), dataset, dataset.test, number=_TESTING),
    ]


def _collect(results: Iterable[TaskResult], paths: StudyPaths) -> Any:
    """The probabilities of the test images, or the error of that task. Draws the explanation."""
    probabilities = None
    for result in results:
        if result.number == _EXPLAINING:
            _draw(result, paths)
        elif result.error is not None:
            raise result.error
        else:
            probabilities = result.value
    return probabilities


def _draw(result: TaskResult, paths: StudyPaths) -> None:
    """Draws the explanation of the best model; an error here, or of its task, only causes a warning."""
    with warn_without("plots of what the best model sees"):
        if result.error is not None:
            raise result.error
        write_explanation(result.value, paths.explanation)
