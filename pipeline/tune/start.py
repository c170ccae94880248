"""The first second of a study: what can be refused is refused here, before anything is written or slow to import."""

import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline.console import status
from pipeline.errors import JobError
from pipeline.executors.devices import available_memory, most_workers
from pipeline.hypermodel import parse_source
from pipeline.job.job import Job
from pipeline.job.request import JobRequest, name_study, read_job
from pipeline.report.progress import choose_verbosity
from pipeline.signals import ENDING, interruptible
from pipeline.study.paths import StudyPaths
from pipeline.tune.family_space import FamilySpace
from pipeline.tune.hypermodel_space import HyperModelSpace
from pipeline.tune.job_plan import fill_in_time
from pipeline.tune.space_source import SpaceSource
from pipeline.tune.study_folder import hold_study
from pipeline.tune.workers import start_workers

_INTERRUPTED = 130
"""The exit code of a study that was interrupted, by Ctrl-C or a signal such as SIGTERM."""


def tune(job_file: str | None, flags: Mapping[str, Any], *, quiet: bool = False, verbose: bool = False) -> int:
    """Starts a study, or resumes one; the exit code: 0, 1 without any model, 130 when interrupted.

    ``flags`` are parsed values by the key of their setting. A ConvtuneError for flags, a job file or a space that are
    invalid.
    """
    request = fill_in_time(read_job(job_file, flags))
    _check_memory(request.job)
    paths = name_study(request.job)
    log = None if verbose else paths.log
    source = choose_source(request, paths, log)
    resumed = paths.exists
    try:
        with (
            interruptible(*ENDING),
            hold_study(paths),
            closing(source),
            closing(start_workers(request.job, log)) as executor,
        ):
            with status("starting", quiet):
                from pipeline.tune.run import run  # MLflow and others: 3 seconds, while the workers import Keras

            return run(request, paths, source, executor, resumed, choose_verbosity(quiet, verbose))
    except KeyboardInterrupt:
        if not paths.exists:
            raise
        print(f"convtune: interrupted; resume with: convtune tune --study {paths.argument}", file=sys.stderr)
        return _INTERRUPTED


def choose_source(request: JobRequest, paths: StudyPaths, log: Path | None) -> SpaceSource:
    """The source of the job's space. A ConvtuneError when it is invalid; a HyperModel shows that only later."""
    job = request.job
    if (source := parse_source(job.space)) is not None:
        return HyperModelSpace(replace(source, pixels=job.pixels), request, log)
    if job.pixels != "auto":
        raise JobError(f"--pixels: {job.space} is no HyperModel, and networks of families scale pixels; leave it out")
    return FamilySpace(request, paths)


def _check_memory(job: Job) -> None:
    """JobError for more workers than this machine's memory holds; never for one, nor for more than there are trials."""
    memory = available_memory()
    most = most_workers(memory)
    if job.workers is not None and min(job.workers, job.total) > most:
        raise JobError(
            f"--workers: expected at most {most}, as many as fit into the {memory / 1e9:.1f} GB of memory that are free"
            f" here, got {job.workers}; give fewer"
        )
