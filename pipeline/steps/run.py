"""Runs a study from start to end, in five steps: open, prepare, search, publish, report."""

from pipeline.executors import Executor
from pipeline.job.request import JobRequest
from pipeline.report.progress import Verbosity
from pipeline.steps.changed_images import warn_if_changed
from pipeline.steps.disk_errors import disk_errors
from pipeline.steps.findings import findings
from pipeline.steps.open import open_study
from pipeline.steps.prepare import prepare
from pipeline.steps.publish import publish
from pipeline.steps.retry import retry, warn_if_given_up
from pipeline.steps.search import search
from pipeline.steps.space_source import SpaceSource
from pipeline.steps.summary import print_summary
from pipeline.study.paths import StudyPaths


def run(
    request: JobRequest, paths: StudyPaths, source: SpaceSource, executor: Executor, resumed: bool, verbosity: Verbosity
) -> int:
    """Runs a study whose folder is locked; the exit code: 0, or 1 without any model, or if the machine failed."""
    quiet = verbosity.is_quiet
    study = open_study(request, paths, source, executor, resumed, quiet)
    with prepare(study, verbosity) as prepared:
        if request.retry_failed:
            retry(prepared.storage, quiet)
        with disk_errors(paths):
            reason = search(prepared, verbosity)
        warn_if_changed(study.problem.dataset)
        warn_if_given_up(reason, paths, study.job, prepared.storage.records)
        best_model = None
        try:
            with disk_errors(paths):
                best_model = publish(prepared, quiet)
        finally:  # the trials are shown even if publishing fails
            if verbosity is not Verbosity.SILENT:
                print_summary(findings(prepared, best_model), best_model)
        return 0 if best_model and not reason.gives_up else 1
