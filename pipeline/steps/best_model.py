"""The best model of a study: copied, tested, explained and registered, once."""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from pipeline.console import status, warn_without
from pipeline.data import NAMED_DATASETS, Dataset
from pipeline.errors import StudyError
from pipeline.executors import Executor, Task, TaskResult, start_all
from pipeline.explain.task import ExplainValidation
from pipeline.explain.write import write_explanation
from pipeline.files import copy_file, write_text
from pipeline.report.plots.evaluation import evaluate_test
from pipeline.steps.register_model import describe_registration, register_model
from pipeline.study.paths import StudyPaths
from pipeline.study.record import TrialRecord
from pipeline.tracking import Tracker
from pipeline.training.runnable_model import RunnableModel
from pipeline.training.task import PredictDataset


@dataclass(frozen=True)
class BestModel:
    """The model of the best trial.

    ``score`` is the trial's, on the validation images; ``test_scores`` has one score per metric on the test images.
    ``digest`` is the SHA-256 of the model file: the trial's number does not identify it, since an interrupted trial is
    repeated under the same number. ``version`` is the model's version in MLflow's registry (0 if it is not there) under
    the name ``registered_as``, ``registry_note`` a sentence about it. ``caveat`` says that it was trained for less than
    its epochs ("": it was not).
    """

    trial: int
    digest: str
    metric: str
    score: float
    test_scores: dict[str, float | None]
    version: int
    registry_note: str
    registered_as: str = ""
    caveat: str = ""


def find_published(paths: StudyPaths, best: TrialRecord, name: str) -> BestModel | None:
    """The best model if an earlier session has registered it as ``name``, else None: that is done only once."""
    try:
        model = BestModel(**json.loads(paths.evaluation.read_text(encoding="utf-8"))["best_model"])
        trial_file = paths.model(best.number)
        files = [paths.best_model, *([trial_file] if trial_file.is_file() else [])]  # the user may have removed it
        same = model.trial == best.number and {_digest(file) for file in files} == {model.digest}
    except (OSError, ValueError, TypeError, KeyError):
        return None
    note = f"{name}, already registered as version {model.version}"
    return replace(model, registry_note=note) if same and model.version and model.registered_as == name else None


def registered_name(wanted: str, dataset: Dataset) -> str:
    """``wanted``, else the name of the data with a digest of where it lies: two folders called train differ."""
    if wanted:
        return wanted
    name = re.sub("[/:]", "-", f"convtune-{dataset.name}")  # MLflow refuses them
    if dataset.source in NAMED_DATASETS:
        return name
    place = Path(dataset.source).expanduser().resolve()
    return f"{name}-{hashlib.sha256(os.fsencode(place)).hexdigest()[:6]}"


_EXPLAINING, _TESTING = -2, -1
"""The numbers of the tasks that a best model takes."""


def publish_best_model(
    executor: Executor,
    tracker: Tracker,
    paths: StudyPaths,
    best: TrialRecord,
    dataset: Dataset,
    name: str,
    quiet: bool = False,
    meanwhile: Callable[[], None] = lambda: None,
) -> BestModel:
    """Copies the best trial's model to ``best.keras``, tests it, explains it and registers it as ``name``.

    The workers do that side by side as far as there are several; ``meanwhile`` is called while they do. The evaluation
    is written last, so a study that is killed before that repeats everything. StudyError if the trial's model file is
    gone; WorkerError if the model cannot be run, though ``best.keras`` exists by then.
    """
    model_file = paths.model(best.number)
    if not model_file.is_file():
        meanwhile()
        advice = "put it back, or resume the study with more trials"
        raise StudyError(f"{model_file}: gone, though trial {best.number} is the best; {advice}")
    shutil.rmtree(paths.explanation, ignore_errors=True)  # it may be that of another model
    copy_file(model_file, paths.best_model)
    with status(f"testing the best model on {len(dataset.test):,} images, drawing what it sees", quiet) as progress:
        results = start_all(executor, _tasks(paths.best_model, dataset), progress)
        meanwhile()
        probabilities = _collect(results, paths)
    evaluation = evaluate_test(paths, dataset, probabilities)
    registration = describe_registration(paths, best, dataset, name, evaluation["scores"])
    with status("registering the best model in MLflow", quiet):
        decision = register_model(tracker, paths, registration, dataset)
    assert best.score is not None
    model = BestModel(
        trial=best.number,
        digest=_digest(model_file),
        metric=best.metric.name,
        score=best.score,
        test_scores=evaluation["scores"],
        version=decision.version,
        registry_note=f"{name}, version {decision.version}: {decision.reason}" if decision.version else decision.reason,
        registered_as=name if decision.version else "",
        caveat=registration.caveat,
    )
    write_text(paths.evaluation, json.dumps({"best_model": asdict(model), **evaluation}, indent=1))
    return model


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
    with warn_without("pictures of what the best model sees"):
        if result.error is not None:
            raise result.error
        write_explanation(result.value, paths.explanation)


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
