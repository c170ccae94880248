"""The best model of a study: copied, tested, explained and registered, once."""

import hashlib
import json
import os
import re
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

from pipeline.console import status
from pipeline.data import NAMED_DATASETS, Dataset
from pipeline.errors import StudyError
from pipeline.executors import Executor
from pipeline.explain.write import remove_explanation
from pipeline.files import copy_file, write_text
from pipeline.report.evaluated_model import BestModel, read_evaluated_model
from pipeline.report.plots.evaluation import WRONG, evaluate_test
from pipeline.steps.register_model import describe_registration, register_model
from pipeline.steps.run_best_model import run_best_model
from pipeline.study.data_facts import DataFacts
from pipeline.study.paths import StudyPaths
from pipeline.study.record import TrialRecord
from pipeline.tracking import ModelDecision, Tracker


def find_published(paths: StudyPaths, best: TrialRecord, name: str) -> BestModel | None:
    """The best model if an earlier session has registered it as ``name``, else None: that is done only once."""
    try:
        evaluated = read_evaluated_model(paths)
        trial_file = paths.model(best.number)
        files = [paths.best_model, *([trial_file] if trial_file.is_file() else [])]  # the user may have removed it
        digests = {_digest(file) for file in files}
    except (OSError, StudyError):
        return None
    if evaluated is None:
        return None
    model = evaluated.model
    same = model.trial == best.number and digests == {model.digest}
    note = f"{name}, already registered as version {model.version}"
    return replace(model, registry_note=note) if same and model.version and model.registered_as == name else None


def registered_name(wanted: str, dataset: Dataset | DataFacts) -> str:
    """``wanted``, else the name of the data with a digest of where it lies: two folders called train differ."""
    return wanted or name_for_data(dataset.name, dataset.source)


def name_for_data(data: str, source: str) -> str:
    """The registered name of the models of a dataset called ``data``, which a job names as ``source``."""
    name = re.sub("[/:]", "-", f"convtune-{data}")  # MLflow refuses them
    if source in NAMED_DATASETS:
        return name
    place = Path(source).expanduser().resolve()
    return f"{name}-{hashlib.sha256(os.fsencode(place)).hexdigest()[:6]}"


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
    remove_explanation(paths.explanation)  # it may be that of another model, and so may the next
    (paths.plots / WRONG).unlink(missing_ok=True)
    copy_file(model_file, paths.best_model)
    with status(f"testing the best model on {len(dataset.test):,} images, drawing what it sees", quiet) as progress:
        probabilities = run_best_model(executor, paths, dataset, progress, meanwhile)
    evaluation = evaluate_test(paths, dataset, probabilities)
    registration = describe_registration(paths, best, dataset.facts, dataset.content, name, evaluation["scores"])
    with status("registering the best model in MLflow", quiet):
        decision = register_model(tracker, paths, registration, dataset.images[dataset.test[:1]])
    assert best.score is not None
    model = BestModel(
        trial=best.number,
        digest=_digest(model_file),
        metric=best.metric.name,
        score=best.score,
        test_scores=evaluation["scores"],
        version=0,
        registry_note="",
        caveat=registration.caveat,
    )
    model = with_decision(model, decision, name)
    write_text(paths.evaluation, json.dumps({"best_model": asdict(model), **evaluation}, indent=1))
    return model


def with_decision(model: BestModel, decision: ModelDecision, name: str) -> BestModel:
    """The model with what the registry has decided about it under ``name``."""
    version, reason = decision.version, decision.reason
    note = f"{name}, version {version}: {reason}" if version else reason
    return replace(model, version=version, registry_note=note, registered_as=name if version else "")


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
