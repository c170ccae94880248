"""A study's run in MLflow: how it begins, its files and its scores, from the study's folder alone."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pipeline.metrics import METRICS
from pipeline.report.evaluated_model import BestModel, EvaluatedModel
from pipeline.report.findings import Findings
from pipeline.report.plots.draw import SEARCH
from pipeline.report.plots.evaluation import CONFUSION, WRONG
from pipeline.report.study_markdown import describe_study, describe_unfinished
from pipeline.report.study_trials import StudyTrials
from pipeline.report.top_trials import as_columns
from pipeline.study.fingerprint import StudyFingerprint, write_fingerprint
from pipeline.study.history import read_history
from pipeline.study.paths import StudyPaths
from pipeline.study.record import TrialRecord, best
from pipeline.study.trial import EpochReport
from pipeline.tracking import About, Tracker, active_run


def begin_in_mlflow(tracker: Tracker, paths: StudyPaths, job: Mapping[str, Any], fingerprint: StudyFingerprint) -> None:
    """Has the study's run made, or found; ``study.json`` names it once it is there.

    A run that the calling thread is in (``with mlflow.start_run()``) becomes the parent of a new one.
    """

    def begun(run: str) -> None:
        write_fingerprint(paths, replace(fingerprint, run=run))

    description = describe_unfinished(paths, job)
    about = About(paths.name, job, fingerprint.data, description, fingerprint.id, active_run(), paths)
    tracker.begin_study(about, fingerprint.run or None, begun)


def history_of(paths: StudyPaths, number: int) -> list[EpochReport]:
    """The epochs of a trial, from its ``history.csv``."""
    return read_history(paths.history(number), number)


def send_files(tracker: Tracker, paths: StudyPaths, records: Sequence[TrialRecord]) -> None:
    """Sends the ranking, the study's files and the explanation of its best model to MLflow.

    MLflow keeps the files that earlier sessions of the study sent. So the explanation of each best model has a folder
    of its own, ``explain/trial-N``, and plots that there are no longer are removed: a better model may get all right.
    """
    tracker.rank(records, as_columns(records))
    for path in (paths.table, paths.job, paths.space, paths.evaluation, paths.plots, paths.report):
        if path.exists():
            tracker.log_artifact(path)
    tracker.remove_artifacts(
        paths.plots.name, [name for name in (*SEARCH, CONFUSION, WRONG) if not (paths.plots / name).is_file()]
    )
    best_record = best(records)
    if best_record is not None and paths.explanation.is_dir():
        for path in sorted(paths.explanation.iterdir()):
            tracker.log_artifact(path, f"explain/trial-{best_record.number}")


def scores_of(model: BestModel) -> dict[str, float]:
    """The scores of the best model, by the names that the study's run has for them."""
    tests = {f"test_{name}": score for name, score in model.test_scores.items() if score is not None}
    return {METRICS[model.metric].logged_as: model.score, **tests}


def end_in_mlflow(
    tracker: Tracker, trials: StudyTrials, job: Mapping[str, Any], evaluated: EvaluatedModel | None
) -> None:
    """Ends the study's run as the study has ended: FINISHED with a model, FAILED without one, KILLED if cut off."""
    if trials.reason is None:
        tracker.end_study("KILLED", {})
        return
    text = describe_study(Findings(trials, job, evaluated))
    if evaluated is None:
        tracker.end_study("FAILED", {}, text)
    else:
        tracker.end_study("FINISHED", scores_of(evaluated.model), text)
