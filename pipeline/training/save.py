"""Writes and reads model files. Users' models take raw pixels, give probabilities and have only Keras's own layers."""

from pathlib import Path
from typing import Any

import keras

from pipeline.errors import ModelError, first_line
from pipeline.files import replacing
from pipeline.study.model_metadata import ModelMetadata, write_metadata


def save(model: Any, path: Path, metadata: ModelMetadata) -> None:
    """Writes ``model`` to ``path`` (``.keras``), with ``metadata`` inside the file; writes all of it or nothing."""
    with replacing(path) as temporary:
        model.save(temporary)
        write_metadata(metadata, temporary)


def load(path: Path) -> Any:
    """The model in a file that Keras wrote (``.keras`` or HDF5), without its optimizer, loss and metrics.

    Nothing in the file is executed. ModelError when Keras cannot read it.
    """
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # an arbitrary file can make Keras raise any exception
        raise ModelError(f"{path}: Keras cannot read this model: {first_line(error)}") from None
