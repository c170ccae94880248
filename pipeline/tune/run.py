"""Runs a study from start to end, in five steps: open, prepare, search, publish, report."""

import sys
from pathlib import Path

from pipeline.job.request import JobRequest
from pipeline.report.progress import Verbosity
from pipeline.signals import ENDING, interruptible
from pipeline.study.paths import StudyPaths
from pipeline.tune.open import open_study
from pipeline.tune.prepare import prepare
from pipeline.tune.publish import publish
from pipeline.tune.search import search
from pipeline.tune.space_source import SpaceSource
from pipeline.tune.summary import print_summary

_INTERRUPTED = 130
"""The exit code of a study that was interrupted, by Ctrl-C or a signal such as SIGTERM."""


def run(request: JobRequest, paths: StudyPaths, source: SpaceSource, log: Path | None, verbosity: Verbosity) -> int:
    """Runs a study; returns the exit code: 0, 1 if no trial left a model, 130 if it was interrupted.

    ``log`` receives what libraries print in workers (None: the terminal does).
    """
    try:
        with (
            interruptible(*ENDING),
            open_study(request, paths, source, log, verbosity is Verbosity.QUIET) as study,
            prepare(study, verbosity) as prepared,
        ):
            reason = search(prepared, verbosity)
            best_model = None
            try:
                best_model = publish(prepared, verbosity is Verbosity.QUIET)
            finally:  # the trials are shown even if publishing fails
                print_summary(paths, prepared.storage.records, prepared.storage.infeasible, reason, best_model)
            return 0 if best_model else 1
    except KeyboardInterrupt:
        if not paths.exists:
            raise
        print(f"convtune: interrupted; resume with: convtune tune --study {paths.argument}", file=sys.stderr)
        return _INTERRUPTED
