"""Writes the model that users get: raw pixels in, probabilities out, Keras's own layers only."""

import os
from pathlib import Path
from typing import Any

import keras

from pipeline import model_card
from pipeline.errors import ModelError, first_line


def save(model: Any, path: Path, card: model_card.ModelCard) -> None:
    """Writes ``model`` with ``card`` inside to ``path`` (``.keras``); whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.stem}.{os.getpid()}.keras")
    model.save(beside)
    model_card.put(card, beside)
    beside.replace(path)


def load(path: Path) -> Any:
    """The model of a file that Keras wrote (``.keras`` or HDF5), without what only training needs.

    Nothing in the file is executed. ModelError when Keras cannot read it.
    """
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises whatever a file from elsewhere makes it trip over
        raise ModelError(f"{path}: Keras cannot read this model: {first_line(error)}") from None
