"""What follows the last trial: the best model on the test images, plots, and its place in MLflow's registry."""

import hashlib
import json
import shutil
import tempfile
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path

from pipeline.data import Dataset
from pipeline.errors import ConvtuneError, StudyError, first_line
from pipeline.executors import Executor, call
from pipeline.folder import StudyFolder, copy, write
from pipeline.loading import warn
from pipeline.record import Record, ranked
from pipeline.record import best as best_of
from pipeline.report.look.look import write_look
from pipeline.report.metrics import evaluate
from pipeline.report.plots import plots
from pipeline.search.importance import importances
from pipeline.tracking import ModelDecision, Tracker


@dataclass(frozen=True)
class Winner:
    """The best trial's validation (``value``) and test accuracy, and its ``version`` in the registry (0: not there).

    ``model`` is the SHA-256 of its file: a trial that was interrupted is repeated under its number.
    """

    trial: int
    model: str
    value: float
    accuracy: float
    version: int
    registry: str


def known(folder: StudyFolder, best: Record) -> Winner | None:
    """The winner when an earlier run of the study has tested and registered it already: a model is registered once."""
    try:
        winner = Winner(**json.loads(folder.evaluation.read_text(encoding="utf-8"))["winner"])
        model = folder.model(best.number)
        files = [folder.best_model, *([model] if model.is_file() else [])]  # removed since, to save space
        same = winner.trial == best.number and {_digest(file) for file in files} == {winner.model}
    except (OSError, ValueError, TypeError, KeyError):
        return None
    earlier = replace(winner, registry=f"version {winner.version} since it was found")
    return earlier if same and winner.version else None


def present(executor: Executor, tracker: Tracker, folder: StudyFolder, best: Record, data: Dataset) -> Winner:
    """Copies the best trial's model to the study's best, runs it on the test images, draws what it sees, registers it.

    That it is done is noted last, so a study that is killed on the way does it again. StudyError when the model's file
    is gone; WorkerError when the model cannot be run, its file is there all the same.
    """
    model = folder.model(best.number)
    if not model.is_file():
        advice = "put it back, or go on with more trials"
        raise StudyError(f"{model}: gone, though trial {best.number} is the best; {advice}")
    shutil.rmtree(folder.look, ignore_errors=True)  # what may be there is of another model
    copy(model, folder.best_model)
    probabilities = call(executor, "pipeline.training.predict:over_dataset", folder.best_model, data, data.test)
    result = evaluate(probabilities, data.labels[data.test], data.classes)
    _look(executor, folder, data)
    decision = _register(executor, tracker, folder, best, data, result.accuracy)
    value, digest = best.value or 0.0, _digest(model)
    winner = Winner(best.number, digest, value, result.accuracy, decision.version, decision.reason)
    write(folder.evaluation, json.dumps({"winner": asdict(winner), **result.as_dict()}, indent=1))
    return winner


def draw(folder: StudyFolder, records: list[Record]) -> None:
    """Draws the plots of the search."""
    plots(records, importances(folder.storage), folder)


def record_study(tracker: Tracker, folder: StudyFolder, records: list[Record]) -> None:
    """Puts the study's files and the ranking of its trials into MLflow.

    MLflow keeps what an earlier run of the study has put there, so the pictures of each best model have a folder of
    their own: ``look/trial-N``.
    """
    ranking = ranked(records)
    front = {record.number: record.front for record in ranking if record.minimised}
    tracker.rank({record.number: place for place, record in enumerate(ranking, start=1)}, front)
    for path in (folder.table, folder.job, folder.space, folder.evaluation, folder.plots):
        if path.exists():
            tracker.artifact(path)
    champion = best_of(records)
    if champion is not None and folder.look.is_dir():
        for path in sorted(folder.look.iterdir()):
            tracker.artifact(path, f"look/trial-{champion.number}")


def _look(executor: Executor, folder: StudyFolder, data: Dataset) -> None:
    """Draws what the best model sees in some validation images; a fault here costs a warning and nothing else."""
    try:
        look = call(executor, "pipeline.training.look.look:at_validation", folder.best_model, data)
        write_look(look, folder.look)
    except Exception as error:
        why = error if isinstance(error, ConvtuneError) else first_line(error)
        warn(f"no pictures of what the best model sees: {why}")


def _register(
    executor: Executor, tracker: Tracker, folder: StudyFolder, best: Record, data: Dataset, accuracy: float
) -> ModelDecision:
    """Writes the best model as MLflow's and registers it under the dataset's name; a fault here costs nothing else."""
    tags = {"study": folder.name, "trial": str(best.number), "test_accuracy": f"{accuracy:.6g}"}
    with tempfile.TemporaryDirectory(prefix="convtune-") as temporary:
        target = Path(temporary) / "model"
        example = data.images[data.test[:1]]
        try:
            call(executor, "pipeline.training.mlflow_model:write", folder.best_model, target, example, _requirements())
        except ConvtuneError as error:
            return ModelDecision(0, False, f"not registered: {error}")
        return tracker.register_best(
            target, name=f"convtune-{data.name}", value=best.value or 0.0, digest=data.digest, tags=tags
        )


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _requirements() -> list[str]:
    """What the model needs to run; named here, since MLflow would start a process of 16 seconds to find out."""
    return [f"{package}=={version(package)}" for package in ("keras", "tensorflow", "numpy")]
