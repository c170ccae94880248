"""Registers the best model of a study in MLflow, with what is said of it there."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from pipeline.data.decode import Pixels
from pipeline.errors import ConvtuneError, first_line
from pipeline.export.mlflow_model import required_packages, write
from pipeline.study.data_facts import DataFacts
from pipeline.study.paths import StudyPaths
from pipeline.study.record import TrialRecord
from pipeline.tracking import ModelDecision, Registration, Tracker


def describe_registration(
    paths: StudyPaths,
    best: TrialRecord,
    data: DataFacts,
    content: str,
    name: str,
    test_scores: Mapping[str, float | None],
) -> Registration:
    """The registration of the best model under the name ``name``.

    ``content`` is that of the dataset: see ``Dataset.content``.
    """
    assert best.score is not None
    return Registration(
        name=name,
        study=paths.argument,
        score=best.score,
        metric=best.metric,
        digest=content,
        tags={"study": paths.name, "trial": str(best.number)},
        caveat=caveat(best),
        data=data.name,
        params=best.params,
        channels=data.shape[2],
        test_scores={metric: score for metric, score in test_scores.items() if score is not None},
    )


def register_model(tracker: Tracker, paths: StudyPaths, registration: Registration, example: Pixels) -> ModelDecision:
    """Registers the best model in MLflow, with one image as an example; the decision says so if that fails."""
    with tempfile.TemporaryDirectory(prefix="convtune-") as temporary:
        folder = Path(temporary) / "model"
        try:
            write(paths.best_model, folder, example, required_packages())
        except Exception as error:  # a full disk, or MLflow's own
            why = error if isinstance(error, ConvtuneError) else first_line(error)
            return ModelDecision(0, False, f"not registered: {why}")
        return tracker.register_best(folder, registration)


def caveat(record: TrialRecord) -> str:
    """That a model was trained for less than its epochs, and why; "" if it was not."""
    epochs, wanted, reason = record.result.epochs, record.trial.epochs, record.result.reason
    if epochs >= wanted:
        return f"trained for {reason}" if reason else ""
    return f"trained for {epochs} of {wanted} epochs ({reason or 'it ended itself'})"
