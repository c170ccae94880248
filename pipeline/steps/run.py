"""Runs a study from start to end, in five steps: open, prepare, search, publish, report."""

from pipeline.executors import Executor
from pipeline.job.request import JobRequest
from pipeline.report.progress import Verbosity
from pipeline.steps.disk_errors import disk_errors
from pipeline.steps.findings import findings
from pipeline.steps.open import open_study
from pipeline.steps.prepare import prepare
from pipeline.steps.publish import publish
from pipeline.steps.retry import retry
from pipeline.steps.search import search
from pipeline.steps.space_source import SpaceSource
from pipeline.steps.study_storage import check_storage
from pipeline.steps.summary import print_summary
from pipeline.study.paths import StudyPaths


def run(
    request: JobRequest, paths: StudyPaths, source: SpaceSource, executor: Executor, resumed: bool, verbosity: Verbosity
) -> int:
    """Runs a study whose folder is locked; returns the exit code: 0, or 1 if no trial left a model."""
    quiet = verbosity.is_quiet
    check_storage(paths, request.job.storage, quiet)
    study = open_study(request, paths, source, executor, resumed, quiet)
    with prepare(study, verbosity) as prepared:
        if request.retry_failed:
            retry(prepared.storage, quiet)
        with disk_errors(paths):
            search(prepared, verbosity)
        best_model = None
        try:
            best_model = publish(prepared, quiet)
        finally:  # the trials are shown even if publishing fails
            if verbosity is not Verbosity.SILENT:
                print_summary(findings(prepared, best_model), best_model)
        return 0 if best_model else 1
