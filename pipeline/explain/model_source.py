"""Finds the model that a user names: a model file, or the best model of a study."""

from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import StudyError
from pipeline.study.model_metadata import ModelMetadata, find_metadata
from pipeline.study.paths import find

_OLD_SUFFIXES = (".h5", ".hdf5")
"""Suffixes of Keras's older format, which has no room for metadata."""


@dataclass(frozen=True)
class ModelSource:
    """``name`` is that of the study or the stem of the file; ``metadata`` is None for a model of another program."""

    file: Path
    name: str
    metadata: ModelMetadata | None


def find_model(argument: str) -> ModelSource:
    """The model file of that path, or the best model of the study of that name or path.

    StudyError if there is neither, ModelError if the file cannot be read.
    """
    path = Path(argument)
    if path.suffix in (".keras", *_OLD_SUFFIXES) or path.is_file():
        return ModelSource(path, path.stem, _metadata(path))
    study = find(argument)
    if not study.best_model.is_file():
        advice = f"`convtune tune --study {study.argument}` writes the best model of its trials"
        raise StudyError(f"{study.best_model}: no such file; {advice}")
    return ModelSource(study.best_model, study.name, _metadata(study.best_model))


def _metadata(file: Path) -> ModelMetadata | None:
    if file.suffix in _OLD_SUFFIXES and file.is_file():
        return None
    return find_metadata(file)
