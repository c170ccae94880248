"""The first second of a study: what can be refused is refused here, before anything is written or slow to import."""

from collections.abc import Mapping
from typing import Any

from pipeline.report.progress import mode
from pipeline.tune.origin import origin
from pipeline.tune.setup import name_study, read_job


def tune(job_file: str | None, flags: Mapping[str, Any], *, quiet: bool = False, verbose: bool = False) -> int:
    """Starts a study, or goes on with one; the exit code: 0, 1 without any model, 130 when interrupted.

    A ConvtuneError for flags, a job file or a space that cannot be.
    """
    asked = read_job(job_file, flags)
    folder = name_study(asked.job)
    log = None if verbose else folder.log
    source = origin(asked, folder, log)

    from pipeline.tune.run import run  # MLflow, scikit-learn, matplotlib: 3 seconds

    return run(asked, folder, source, log, mode(quiet, verbose))
