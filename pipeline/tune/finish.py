"""What follows the last trial: the best model on the test images, plots, and its place in MLflow's registry."""

import json
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path

from pipeline.data import Dataset
from pipeline.executors import Executor, call
from pipeline.folder import StudyFolder, write
from pipeline.record import Record, ranked
from pipeline.report.metrics import evaluate
from pipeline.report.plots import plots
from pipeline.search.importance import importances
from pipeline.tracking import ModelDecision, Tracker


def test(executor: Executor, folder: StudyFolder, winner: Record, data: Dataset) -> float:
    """Copies the winner's model to the study's best, runs it on the test images and notes the result; its accuracy."""
    shutil.copyfile(winner.outcome.model, folder.best_model)
    probabilities = call(executor, "pipeline.training.predict:over_dataset", folder.best_model, data, data.test)
    result = evaluate(probabilities, data.labels[data.test], data.classes)
    write(folder.evaluation, json.dumps({"trial": winner.number, **result.as_dict()}, indent=1))
    return result.accuracy


def draw(folder: StudyFolder, records: list[Record]) -> None:
    """Draws the plots of the search."""
    plots(records, importances(folder.storage), folder)


def record_study(tracker: Tracker, folder: StudyFolder, records: list[Record]) -> None:
    """Puts the study's files and the ranking of its trials into MLflow."""
    tracker.rank({record.number: place for place, record in enumerate(ranked(records), start=1)})
    for file in (folder.table, folder.job, folder.evaluation):
        if file.is_file():
            tracker.artifact(file)
    if folder.plots.is_dir():
        tracker.artifact(folder.plots, "plots")


def register(
    executor: Executor, tracker: Tracker, folder: StudyFolder, winner: Record, data: Dataset, accuracy: float
) -> ModelDecision:
    """Writes the best model as MLflow's and registers it under the dataset's name."""
    with tempfile.TemporaryDirectory(prefix="convtune-") as temporary:
        target = Path(temporary) / "model"
        example = data.images[data.test[:1]]
        call(executor, "pipeline.training.mlflow_model:write", folder.best_model, target, example, _requirements())
        tags = {"study": folder.name, "trial": str(winner.number), "test_accuracy": f"{accuracy:.6g}"}
        return tracker.register_best(
            target, name=f"convtune-{data.name}", value=winner.value or 0.0, digest=data.digest, tags=tags
        )


def _requirements() -> list[str]:
    """What the model needs to run; named here, since MLflow would start a process of 16 seconds to find out."""
    return [f"{package}=={version(package)}" for package in ("keras", "tensorflow", "numpy")]
