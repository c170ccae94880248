"""The MODEL that predict, evaluate, explain and export share: a study, a model file, or a folder with a model in it."""

import argparse
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.cli.types import whole_number

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from pipeline.study.model_metadata import ModelMetadata
    from pipeline.study.paths import StudyPaths
    from pipeline.study.record import TrialRecord

_SUFFIX = ".keras"

_OLD_SUFFIXES = (".h5", ".hdf5")
"""Suffixes of Keras's older format, which has no room for metadata."""

_IN_FOLDERS = ("model.keras", "best.keras", "data/model.keras")
"""Where a folder has its model: that of an export or a trial, that of a study, that of an MLflow model."""

_GENERAL_NAMES = ("model.keras", "best.keras")
"""Names of files that say less than those of their folders."""

_EXPECTED = "expected a study, a .keras file or an export folder"


@dataclass(frozen=True)
class ModelSource:
    """A model file. ``name`` is that of its study or folder, or the stem of a file with a name of its own.

    ``study`` is the study that was named; ``metadata`` is None for a model of another program.
    """

    file: Path
    name: str
    metadata: "ModelMetadata | None"
    study: "StudyPaths | None" = None

    def require_metadata(self) -> "ModelMetadata":
        """The metadata; ModelError for a model of another program."""
        from pipeline.study.model_metadata import read_metadata

        return self.metadata or read_metadata(self.file)


def add_model(parser: argparse.ArgumentParser) -> None:
    """The argument MODEL and the flag ``--trial``."""
    parser.add_argument("model", metavar="MODEL", help="name or path of a study, a .keras file, or an export folder")
    trial = "the model of this trial, where MODEL is a study (default: the best)"
    parser.add_argument("--trial", type=whole_number(0), metavar="N", help=trial)


def find_model(args: argparse.Namespace) -> ModelSource:
    """The model that the arguments of ``add_model`` name. A note says so where a study and a folder have that name.

    StudyError if the study has no such model, or if there is nothing of that name. ModelError for a folder without a
    model, and for a file that cannot be read.
    """
    from pipeline.errors import JobError

    path = Path(args.model)
    if path.suffix in (_SUFFIX, *_OLD_SUFFIXES) or path.is_file():
        model = _of_file(path)
    elif (study := _find_study(args.model)) is not None:
        return _of_study(study, args.trial)
    else:
        model = _of_folder(path)
    if args.trial is not None:
        raise JobError(f"--trial: {args.model} is a single model; name its study instead")
    return model


def _find_study(argument: str) -> "StudyPaths | None":
    """The study of that name or path, None for the path of another folder; StudyError if there is neither."""
    from pipeline.console import note
    from pipeline.errors import StudyError
    from pipeline.study.paths import find, locate

    folder = Path(argument)
    if folder.is_dir() and (argument in (os.curdir, os.pardir) or not locate(argument).exists):
        return None
    try:
        study = find(argument)
    except StudyError as error:
        raise StudyError(f"{error}; {_EXPECTED}") from None
    if study.path != folder and _file_in(folder):
        note(f"note: {argument} is the study here; for the model in the folder of that name, give ./{argument}")
    return study


def _of_file(file: Path) -> ModelSource:
    from pipeline.study.model_metadata import find_metadata

    folder = file.resolve().parent
    if folder.name == "data" and (folder.parent / "MLmodel").is_file():
        folder = folder.parent
    name = folder.name if file.name in _GENERAL_NAMES and folder.name else file.stem
    old = file.suffix in _OLD_SUFFIXES and file.is_file()
    return ModelSource(file, name, None if old else find_metadata(file))


def _of_folder(folder: Path) -> ModelSource:
    from pipeline.errors import ModelError

    if (file := _file_in(folder)) is not None:
        return _of_file(file)
    if (folder / "saved_model.pb").is_file():
        raise ModelError(f"{folder}: a SavedModel, which only TensorFlow reads; {_EXPECTED}")
    raise ModelError(f"{folder}: no model.keras in this folder; {_EXPECTED}")


def _file_in(folder: Path) -> Path | None:
    return next((file for name in _IN_FOLDERS if (file := folder / name).is_file()), None)


def _of_study(paths: "StudyPaths", trial: int | None) -> ModelSource:
    """The model of a trial, or of the best that has one."""
    from pipeline.errors import StudyError
    from pipeline.search.optuna_study import load_trials
    from pipeline.study.model_metadata import find_metadata
    from pipeline.study.record import best

    _, records, _ = load_trials(paths.argument)
    files = _model_files(paths, records)
    if trial is None:
        record = best([record for record in records if record.number in files])
        trial = record.number if record else next(iter(files), None)
    if trial is None:
        lost = "; the files of their models are gone" if best(records) else ""
        raise StudyError(f"study {paths.name}: no trial has a model{lost}; see `convtune trials {paths.argument}`")
    if trial not in files:
        which = f"only {_trials(files)} one" if files else "no trial has one"
        raise StudyError(f"study {paths.name}: trial {trial} {_why_without_model(records, trial)}; {which}")
    return ModelSource(files[trial], paths.name, find_metadata(files[trial]), paths)


def _trials(numbers: "Collection[int]") -> str:
    """The trials as the subject of a sentence that goes on with their model."""
    several = len(numbers) > 1
    return f"trial{'s' if several else ''} {', '.join(map(str, numbers))} {'have' if several else 'has'}"


def _model_files(paths: "StudyPaths", records: "Sequence[TrialRecord]") -> dict[int, Path]:
    """The model file of each trial that has one. ``best.keras`` stands in for that of its trial if that is gone."""
    from pipeline.study.model_metadata import find_metadata

    of_trials = {record.number: paths.model(record.number) for record in records if record.result.model}
    files = {number: file for number, file in of_trials.items() if file.is_file()}
    if len(files) < max(len(of_trials), 1) and paths.best_model.is_file():
        metadata = find_metadata(paths.best_model)
        files |= {} if metadata is None or metadata.trial in files else {metadata.trial: paths.best_model}
    return files


def _why_without_model(records: "Sequence[TrialRecord]", number: int) -> str:
    record = next((record for record in records if record.number == number), None)
    if record is None:
        return "does not exist"
    reason = "its file is gone" if record.result.model else record.result.reason or record.state.value
    return f"has no model ({reason})"
