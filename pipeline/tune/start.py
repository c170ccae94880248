"""The first second of a study: what can be refused is refused here, before anything is written or slow to import."""

import atexit
import gc
import sys
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from pipeline.console import status
from pipeline.job.request import name_study, read_job
from pipeline.report.progress import choose_verbosity
from pipeline.signals import ENDING, interruptible
from pipeline.tune.choose_source import choose_source
from pipeline.tune.job_plan import fill_in_time
from pipeline.tune.study_folder import hold_study
from pipeline.tune.workers import check_memory, start_workers

_INTERRUPTED = 130
"""The exit code of a study that was interrupted, by Ctrl-C or a signal such as SIGTERM."""


def tune(job_file: str | None, flags: Mapping[str, Any], *, quiet: bool = False, verbose: bool = False) -> int:
    """Starts a study, or resumes one; the exit code: 0, 1 without any model, 130 when interrupted.

    ``flags`` are parsed values by the key of their setting. A ConvtuneError for flags, a job file or a space that are
    invalid.
    """
    request = fill_in_time(read_job(job_file, flags))
    check_memory(request.job)
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

            atexit.register(gc.freeze)  # ending takes 0.8 s less when Python leaves the modules' objects alone
            return run(request, paths, source, executor, resumed, choose_verbosity(quiet, verbose))
    except KeyboardInterrupt:
        if not paths.exists:
            raise
        print(f"convtune: interrupted; resume with: convtune tune --study {paths.argument}", file=sys.stderr)
        return _INTERRUPTED
