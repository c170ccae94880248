"""The MODEL that predict, evaluate, explain and export share: a study, a model file, or a folder with a model in it."""

import argparse
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.cli.types import whole_number

if TYPE_CHECKING:
    from pipeline.data import Dataset
    from pipeline.export.export_format import ExportFormat
    from pipeline.study.model_metadata import ModelMetadata
    from pipeline.study.paths import StudyPaths
    from pipeline.training.runnable_model import RunnableModel

_OLD_SUFFIXES = (".h5", ".hdf5")
"""Suffixes of Keras's older format, which has no room for metadata."""

_IN_FOLDERS = ("model.keras", "best.keras", "data/model.keras")
"""Where a folder has its ``.keras`` file: that of an export or a trial, that of a study, that of an MLflow model."""

_EXPECTED = "expected a study, a model file or an export folder"


@dataclass(frozen=True)
class ModelSource:
    """A model file. ``name`` is that of its study or folder, or the stem of a file with a name of its own.

    ``study`` is the study that was named.
    """

    file: Path
    name: str
    study: "StudyPaths | None" = None

    @cached_property
    def format(self) -> "ExportFormat":
        """The format of the file; ModelError if it cannot be run, or if its runtime is not installed here."""
        from pipeline.errors import ModelError
        from pipeline.export.formats import find_format

        if (found := find_format(self.file)) is None:
            raise ModelError(f"{self.file}: expected a model such as {_model_names()}; `convtune export` writes one")
        found.require()
        return found

    def require_metadata(self) -> "ModelMetadata":
        """The metadata; ModelError for a model of another program."""
        from pipeline.errors import ConvtuneError
        from pipeline.study.model_metadata import missing_metadata, parse_metadata

        try:
            members = self.format.metadata(self.file)
        except ConvtuneError:
            raise
        except Exception:  # a file from anywhere makes its reader raise anything
            raise missing_metadata(self.file) from None
        return parse_metadata(members, self.file)

    @property
    def default_export(self) -> Path:
        """Below ``exports``; inside a study that is elsewhere than in ``studies``: paths may share their last name."""
        from pipeline.study.paths import ROOT

        if self.study is not None and self.study.path.parent != ROOT:
            return self.study.path / "export"
        return Path("exports") / self.name

    def is_of(self, data: "Dataset") -> bool:
        """Whether the model was trained on ``data``, read in the form that it takes; the split may be another."""
        return data.digest == self.require_metadata().digest

    def runnable(self) -> "RunnableModel":
        """The model in the form that workers run; ModelError for a model of another program."""
        from pipeline.training.runnable_model import RunnableModel

        return RunnableModel(self.file, self.format.load, self.require_metadata())


def add_model(parser: argparse.ArgumentParser) -> None:
    """The argument MODEL and the flag ``--trial``."""
    parser.add_argument("model", metavar="MODEL", help="name or path of a study, a model file, or an export folder")
    trial = "the model of this trial, where MODEL is a study (default: the best)"
    parser.add_argument("--trial", type=whole_number(0), metavar="N", help=trial)


def find_model(args: argparse.Namespace) -> ModelSource:
    """The model, in any format, that the arguments of ``add_model`` name.

    A note says so where a study and a folder have that name, and where a folder has several models. StudyError if the
    study has no such model, or if there is nothing of that name. ModelError for a folder or file without a model.
    """
    return locate_model(args.model, args.trial)


def find_keras_model(args: argparse.Namespace, reason: str) -> ModelSource:
    """Like ``find_model``; ModelError, with the ``reason``, for any format but Keras's own (``.keras``, or older)."""
    from pipeline.errors import ModelError
    from pipeline.export.keras_file import KERAS

    model = find_model(args)
    if model.file.suffix in _OLD_SUFFIXES or KERAS.is_at(model.file):
        return model
    raise ModelError(f"{model.file}: expected a .keras file, since {reason}; name that, or its study")


def locate_model(argument: str, trial: int | None = None) -> ModelSource:
    """The model that a word of the command line names, and one trial of it if that is a study. See ``find_model``."""
    from pipeline.errors import JobError
    from pipeline.export.formats import find_format

    path = Path(argument)
    if path.suffix in _suffixes() or path.is_file() or find_format(path) is not None:
        model = _of_file(path)
    elif (study := _find_study(argument)) is not None:
        return _of_study(study, trial)
    else:
        model = _of_file(_choose_in(path))
    if trial is not None:
        raise JobError(f"--trial: {argument} is a single model; name its study instead")
    return model


def _suffixes() -> list[str]:
    """The suffixes of model files."""
    from pipeline.export.formats import FORMATS

    suffixes = (Path(export_format.file_name).suffix for export_format in FORMATS.values())
    return [*filter(None, suffixes), *_OLD_SUFFIXES]


def _model_names() -> str:
    from pipeline.export.formats import FORMATS

    *names, last = (export_format.file_name for export_format in FORMATS.values())
    return f"{', '.join(names)} or {last}"


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
    if study.path != folder and _models_in(folder):
        note(f"note: {argument} is the study here; for the model in the folder of that name, give ./{argument}")
    return study


def _of_file(file: Path) -> ModelSource:
    """The model at a path; ModelError if nothing is there."""
    from pipeline.errors import ModelError
    from pipeline.export.formats import FORMATS

    if not file.exists():
        raise ModelError(f"{file}: no such model file; `convtune export STUDY` writes one")
    folder = file.resolve().parent
    if folder.name == "data" and (folder.parent / "MLmodel").is_file():
        folder = folder.parent
    general = ("best.keras", *(export_format.file_name for export_format in FORMATS.values()))
    return ModelSource(file, folder.name if file.name in general and folder.name else file.stem)


def _choose_in(folder: Path) -> Path:
    """The model in a folder: its ``.keras`` file, else the first of the table of formats; a note names the others."""
    from pipeline.console import note
    from pipeline.errors import ModelError

    models = _models_in(folder)
    if not models:
        raise ModelError(f"{folder}: nothing called {_model_names()} in this folder; {_EXPECTED}")
    if len(models) > 1 and models[0].suffix != ".keras":
        others = ", ".join(path.name for path in models[1:])
        note(f"note: {folder} has no model.keras; taking its {models[0].name} (also there: {others})")
    return models[0]


def _models_in(folder: Path) -> list[Path]:
    from pipeline.export.formats import FORMATS

    keras = [file for name in _IN_FOLDERS if (file := folder / name).is_file()]
    exported = [path for other in FORMATS.values() if other.is_at(path := folder / other.file_name)]
    return list(dict.fromkeys([*keras, *exported]))


def _of_study(paths: "StudyPaths", trial: int | None) -> ModelSource:
    """The model of a trial, or of the best that has one; it stays until this process ends, also if the study runs."""
    from pipeline.api.model_file import find_model_file
    from pipeline.search.optuna_study import load_trials
    from pipeline.study.kept_models import hold

    _, records, _ = load_trials(paths.argument)
    file = find_model_file(paths, records, trial)
    try:
        hold(file)
    except FileNotFoundError:  # removed since it was found: better ones have pushed it out
        file = find_model_file(paths, records, trial)
    return ModelSource(file, paths.name, paths)
