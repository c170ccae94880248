"""Finds the model file of a trial, or of the best that has one."""

from collections.abc import Collection, Sequence
from pathlib import Path

from pipeline.errors import StudyError
from pipeline.job.kept_models import ADVICE, models_kept, not_kept
from pipeline.study.model_metadata import find_metadata
from pipeline.study.paths import StudyPaths
from pipeline.study.record import TrialRecord, best


def find_model_file(paths: StudyPaths, records: Sequence[TrialRecord], trial: int | None) -> Path:
    """The model of a trial, or of the best that has one (None). StudyError if there is none.

    ``best.keras`` stands in for the file of its trial if that is gone.
    """
    files = _model_files(paths, records, trial)
    if trial is None:
        record = best([record for record in records if record.number in files])
        trial = record.number if record else next(iter(files), None)
    if trial is None:
        lost = "; the files of their models are gone" if best(records) else ""
        raise StudyError(f"study {paths.name}: no trial has a model{lost}; see `convtune trials {paths.argument}`")
    if trial not in files:
        which = f"only {_trials(files)} one" if files else "no trial has one"
        raise StudyError(f"study {paths.name}: trial {trial} {_why_without_model(paths, records, trial)}; {which}")
    return files[trial]


def _trials(numbers: Collection[int]) -> str:
    """The trials as the subject of a sentence that goes on with their model."""
    several = len(numbers) > 1
    return f"trial{'s' if several else ''} {', '.join(map(str, numbers))} {'have' if several else 'has'}"


def _model_files(paths: StudyPaths, records: Sequence[TrialRecord], trial: int | None) -> dict[int, Path]:
    """The models that there are; ``best.keras`` is looked at only where the wanted one is not among the rest."""
    of_trials = {record.number: paths.model(record.number) for record in records if record.result.model}
    files = {number: file for number, file in of_trials.items() if file.is_file()}
    wanted = {record.number for record in (best(records),) if record} if trial is None else {trial}
    if not (wanted and wanted <= files.keys()) and paths.best_model.is_file():
        metadata = find_metadata(paths.best_model)
        files |= {} if metadata is None or metadata.trial in files else {metadata.trial: paths.best_model}
    return files


def _why_without_model(paths: StudyPaths, records: Sequence[TrialRecord], number: int) -> str:
    record = next((record for record in records if record.number == number), None)
    if record is None:
        return "does not exist"
    if not record.result.model:
        return f"has no model ({record.result.reason or record.state.value})"
    if number not in not_kept(paths, records):
        return "has no model (its file is gone)"
    return f"has no model (not among the best {models_kept(paths)} that --keep-models keeps; {ADVICE})"
