"""The first second of a study: what can be refused is refused here, before anything is written or slow to import."""

import atexit
import gc
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from typing import Any

from pipeline.console import note, status
from pipeline.errors import JobError
from pipeline.garbage import no_collections, short_collections
from pipeline.job.request import JobRequest, name_study, read_job
from pipeline.report.progress import Verbosity, choose_verbosity
from pipeline.signals import ENDING, interruptible
from pipeline.steps.choose_source import choose_source
from pipeline.steps.job_plan import fill_in_time
from pipeline.steps.study_folder import hold_study, tell_of_cut_off
from pipeline.steps.workers import slots_of, start_workers
from pipeline.study.paths import StudyPaths

_INTERRUPTED = 130
"""The exit code of a study that was interrupted, by Ctrl-C or a signal such as SIGTERM."""


def tune(
    job_file: str | None,
    flags: Mapping[str, Any],
    *,
    quiet: bool = False,
    verbose: bool = False,
    retry_failed: bool = False,
) -> int:
    """Starts a study, or resumes one; the exit code: 0, 1 without any model, 130 when interrupted.

    ``flags`` are parsed values by the key of their setting. A ConvtuneError for flags, a job file or a space that are
    invalid.
    """
    request, paths = settle(replace(read_job(job_file, flags), retry_failed=retry_failed))
    try:
        return start(request, paths, choose_verbosity(quiet, verbose))
    except KeyboardInterrupt:
        if not paths.exists:
            raise
        from pipeline.report.next_commands import resume_command

        print(f"convtune: interrupted; resume with: {resume_command(paths, request.job.as_file())}", file=sys.stderr)
        return _INTERRUPTED


def settle(request: JobRequest) -> tuple[JobRequest, StudyPaths]:
    """The job with the time that it may take, and the study that it starts or resumes."""
    request = fill_in_time(request)
    paths = name_study(request.job)
    if request.retry_failed and not paths.exists:
        raise JobError(
            f"--retry-failed: expected a study that has begun, got the new one {paths.name}; give its --study"
        )
    return request, paths


def start(request: JobRequest, paths: StudyPaths, verbosity: Verbosity) -> int:
    """Runs the study; returns 0, or 1 if no trial left a model. KeyboardInterrupt when interrupted; it can go on."""
    slots = slots_of(request.job)
    log = None if verbosity is Verbosity.EPOCHS else paths.log
    source = choose_source(request, paths, log)
    resumed = paths.exists
    if request.note and not resumed and not verbosity.is_quiet:
        note(request.note)
    with (
        interruptible(*ENDING),
        hold_study(paths) as cut_off,
        closing(source),
        closing(start_workers(request.job, slots, log)) as executor,
    ):
        if cut_off is not None:
            tell_of_cut_off(paths, cut_off, verbosity.is_quiet)
        with status("starting", verbosity.is_quiet), no_collections():
            from pipeline.steps.run import run  # MLflow and others: 2 seconds, while the workers import Keras
            from pipeline.steps.study_storage import held_storage
        atexit.register(gc.freeze)  # ending takes 0.8 s less when Python leaves the modules' objects alone
        with short_collections(), held_storage(paths, request.job.storage, verbosity.is_quiet):
            return run(request, paths, source, executor, resumed, verbosity)
