"""A study's run in MLflow: what is said of it there, and the epochs of its trials."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pipeline.data import Dataset
from pipeline.report.study_markdown import describe_unfinished
from pipeline.study.fingerprint import StudyFingerprint, write_fingerprint
from pipeline.study.history import read_history
from pipeline.study.paths import StudyPaths
from pipeline.study.trial import EpochReport
from pipeline.tracking import About, Tracker


def begin_in_mlflow(
    tracker: Tracker, paths: StudyPaths, job: Mapping[str, Any], dataset: Dataset, fingerprint: StudyFingerprint
) -> None:
    """Has the study's run made, or found; ``study.json`` names it once it is there."""

    def begun(run: str) -> None:
        write_fingerprint(paths, replace(fingerprint, run=run))

    about = About(paths.name, job, dataset, describe_unfinished(paths, job), fingerprint.id)
    tracker.begin_study(about, fingerprint.run or None, begun)


def history_of(paths: StudyPaths, number: int) -> list[EpochReport]:
    """The epochs of a trial, from its ``history.csv``."""
    return read_history(paths.history(number), number)
