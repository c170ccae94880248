"""The fourth step of a study: publishes its best model, and sends its files and scores to MLflow."""

from pipeline.console import status
from pipeline.metrics import METRICS
from pipeline.report.plots.draw import draw_plots
from pipeline.search.importance import importances
from pipeline.study.record import TrialRecord, best
from pipeline.tune.best_model import BestModel, find_published, publish_best_model, registered_name
from pipeline.tune.prepare import PreparedStudy


def publish(prepared: PreparedStudy, quiet: bool) -> BestModel | None:
    """Draws the plots, publishes the best model and ends the study's run in MLflow; None if no trial left a model.

    Says what it does unless ``quiet``.
    """
    study, records = prepared.study, prepared.storage.records

    def draw() -> None:
        draw_plots(records, importances(prepared.storage.study), study.paths)

    best_record = best(records)
    name = registered_name(study.job.register, study.problem.dataset)
    best_model = None if best_record is None else find_published(study.paths, best_record, name)
    if best_record is None or best_model is not None:
        with status("drawing the plots", quiet):
            draw()
    if best_record is None:
        record_study(prepared, records)
        prepared.tracker.end_study("FAILED", {})
        return None
    if best_model is None:
        best_model = publish_best_model(
            study.executor, prepared.tracker, study.paths, best_record, study.problem.dataset, name, quiet, draw
        )
    record_study(prepared, records)
    test_scores = {f"test_{name}": score for name, score in best_model.test_scores.items() if score is not None}
    prepared.tracker.end_study("FINISHED", {METRICS[best_model.metric].logged_as: best_model.score, **test_scores})
    return best_model


def record_study(prepared: PreparedStudy, records: list[TrialRecord]) -> None:
    """Sends the ranking, the study's files and the explanation of its best model to MLflow.

    MLflow keeps the files that earlier sessions of the study sent, so the explanation of each best model has a folder
    of its own: ``explain/trial-N``.
    """
    tracker, paths = prepared.tracker, prepared.study.paths
    tracker.rank(records)
    for path in (paths.table, paths.job, paths.space, paths.evaluation, paths.plots):
        if path.exists():
            tracker.log_artifact(path)
    best_record = best(records)
    if best_record is not None and paths.explanation.is_dir():
        for path in sorted(paths.explanation.iterdir()):
            tracker.log_artifact(path, f"explain/trial-{best_record.number}")
