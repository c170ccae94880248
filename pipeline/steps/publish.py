"""The fourth step of a study: publishes its best model, and sends its files and scores to MLflow."""

from collections.abc import Mapping

from pipeline.console import status, warn_without
from pipeline.report.evaluated_model import BestModel
from pipeline.report.plots.draw import SEARCH, draw_search, write_plots
from pipeline.report.plots.evaluation import CONFUSION
from pipeline.report.study_markdown import describe_study
from pipeline.report.study_report import write_report
from pipeline.report.study_trials import StudyTrials
from pipeline.steps.best_model import find_published, publish_best_model, registered_name
from pipeline.steps.findings import drawn_trials, findings
from pipeline.steps.mlflow_run import scores_of, send_files
from pipeline.steps.prepare import PreparedStudy
from pipeline.study.record import best, ranked


def publish(prepared: PreparedStudy, quiet: bool) -> BestModel | None:
    """Publishes the best model, draws the plots, writes the report and ends the study's run.

    Returns None if no trial left a model. Says what it does unless ``quiet``.
    """
    study, records, trials = prepared.study, prepared.storage.records, drawn_trials(prepared)
    plots: dict[str, bytes] = {}

    def draw() -> None:
        with warn_without("plots"):
            plots.update(draw_search(trials))
            write_plots(plots, SEARCH, study.paths.plots)

    best_record = best(records)
    name = registered_name(study.job.register, study.problem.dataset)
    best_model = None if best_record is None else find_published(study.paths, best_record, name)
    if best_record is None or best_model is not None:
        with status("drawing the plots", quiet):
            draw()
    else:
        best_model = publish_best_model(
            study.executor, prepared.tracker, study.paths, best_record, study.problem.dataset, name, quiet, draw
        )
    with status("writing the report", quiet):
        _report(trials, plots)
    send_files(prepared.tracker, study.paths, records)
    description = describe_study(findings(prepared, best_model))
    if best_model is None:
        prepared.tracker.end_study("FAILED", {}, description, trials.importances)
        return None
    prepared.tracker.end_study("FINISHED", scores_of(best_model), description, trials.importances)
    return best_model


def _report(trials: StudyTrials, plots: Mapping[str, bytes]) -> None:
    """Writes the report, if a trial has a score, and the confusion matrix; an error only causes a warning."""
    if ranked(trials.records):
        with warn_without("report"):
            drawn = write_report(trials, trials.paths.report, plots)
            write_plots(drawn, (CONFUSION,), trials.paths.plots)
