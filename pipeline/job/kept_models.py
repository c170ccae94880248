"""Which trials of a stored study have no model any more because its job keeps only those of the best."""

import math
from collections.abc import Sequence

from pipeline.errors import ConvtuneError
from pipeline.job.request import read_stored_job
from pipeline.quantity import counted
from pipeline.study.kept_models import kept
from pipeline.study.paths import StudyPaths
from pipeline.study.record import TrialRecord

ADVICE = "train it in another study with --try, or begin one with --keep-models all"
"""Advice for whoever wants such a model."""


def models_kept(paths: StudyPaths) -> float:
    """How many of its best trials a study keeps the models of; infinite where its job cannot be read."""
    try:
        return read_stored_job(paths).models_kept
    except ConvtuneError:
        return math.inf


def not_kept(paths: StudyPaths, records: Sequence[TrialRecord]) -> list[int]:
    """The numbers of the trials that left a model that is gone, and that are not among the best whose models stay."""
    stay = {*kept(records, models_kept(paths))}
    left = [record.number for record in records if record.result.model and record.number not in stay]
    return [number for number in left if not paths.model(number).is_file()]


def describe_not_kept(paths: StudyPaths, records: Sequence[TrialRecord]) -> str:
    """A line that says how many trials have no model because it was not kept; "" where none has lost one."""
    lost = not_kept(paths, records)
    if not lost:
        return ""
    best, others = counted(int(models_kept(paths)), "trial"), counted(len(lost), "other")
    return f"Models are kept of the best {best} (--keep-models), not of {others}; to have one, {ADVICE}."
