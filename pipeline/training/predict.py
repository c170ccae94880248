"""Class probabilities from a saved model, for arrays, files and datasets. Runs in a worker, in bounded memory."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from pipeline.data import Dataset
from pipeline.data.decode import decode_bytes, read_file, silence_pillow
from pipeline.errors import DataError, ModelError, first_line
from pipeline.executors import Progress
from pipeline.study.model_metadata import read_metadata
from pipeline.training.batches import ReadingBatches, feed, reading_batch_size
from pipeline.training.save import load

Probabilities = NDArray[np.float32]
"""(n, classes); the rows add up to 1."""


def predict_arrays(model_file: Path, images: NDArray[np.uint8]) -> Probabilities:
    """The probabilities (n, classes) of uint8 images (n, height, width, channels) of any size; n may be 0.

    This and the next two functions raise ModelError when the file is not a model of convtune, does not suit the images,
    or gives NaN; this one also for images that are not uint8, such as pixels from 0 to 1: Keras would cut them to 0.
    """
    if images.dtype != np.uint8:
        expected = "expected pixels from 0 to 255 as uint8"
        raise ModelError(f"{model_file}: {expected}, got {images.dtype}; multiply pixels from 0 to 1 by 255")
    return _predict(_load(model_file), images, model_file)


def predict_dataset(
    model_file: Path, dataset: Dataset, rows: NDArray[np.int64], progress: Progress = lambda done, total: None
) -> Probabilities:
    """The probabilities (len(rows), classes) of the images ``rows`` of the dataset, in that order.

    ``progress(done, total)`` is called with the batches.
    """
    model = _load(model_file)
    if not len(rows):
        return _no_rows(model)
    batches = ReadingBatches(dataset.images, rows)
    shown = keras.callbacks.LambdaCallback(on_predict_batch_begin=lambda batch, logs: progress(batch, len(batches)))
    return _checked(lambda: model.predict(feed(batches), verbose=0, callbacks=[shown]), model_file)


def predict_files(
    model_file: Path,
    paths: Sequence[Path],
    shape: tuple[int, int, int],
    progress: Progress = lambda done, total: None,
) -> tuple[Probabilities, list[str]]:
    """Decodes each file as for training; returns the probabilities (n, classes), and one error text per file.

    ``shape`` is the (height, width, channels) of the model's metadata. A file that cannot be read has a row of NaN and
    a text that names it and says why; the texts of the others are "". ``progress(done, total)`` is called with
    the files.
    """
    model, white = _load(model_file), read_metadata(model_file).white
    parts, faults = [_no_rows(model)], []
    for start in range(0, len(paths), size := reading_batch_size(shape)):
        images, problems = _decode(paths[start : start + size], shape, white)
        rows = np.full((len(images), parts[0].shape[1]), np.nan, np.float32)
        readable = np.array([not problem for problem in problems])
        if readable.any():
            rows[readable] = _predict(model, images[readable], model_file)
        parts.append(rows)
        faults += problems
        progress(len(faults), len(paths))
    return np.concatenate(parts), faults


def _load(model_file: Path) -> Any:
    """The model; ModelError unless it has one output per class of its metadata."""
    classes, model = read_metadata(model_file).classes, load(model_file)
    if model.output_shape != (None, len(classes)):
        raise ModelError(
            f"{model_file}: expected a model with {len(classes)} outputs, one per class of its metadata,"
            f" got outputs of shape {model.output_shape}"
        )
    return model


def _decode(
    paths: Sequence[Path], shape: tuple[int, int, int], white: int | None
) -> tuple[NDArray[np.uint8], list[str]]:
    images = np.zeros((len(paths), *shape), np.uint8)

    def decode_into(position: int) -> str:
        try:
            path = str(paths[position])
            images[position] = decode_bytes(path, read_file(path), shape, white)
        except DataError as error:
            return str(error)
        return ""

    with silence_pillow(), ThreadPoolExecutor() as threads:
        problems = list(threads.map(decode_into, range(len(paths))))
    return images, problems


def _predict(model: Any, images: NDArray[np.uint8], model_file: Path) -> Probabilities:
    if not len(images):
        return _no_rows(model)
    batches = ReadingBatches(images, np.arange(len(images)))
    return _checked(lambda: model.predict(feed(batches), verbose=0), model_file)


def _checked(predict: Callable[[], Any], model_file: Path) -> Probabilities:
    """The checked result of ``predict``, since a file from elsewhere may have wrong metadata or damaged weights."""
    try:
        probabilities = np.asarray(predict(), np.float32)
    except (ValueError, TypeError) as error:
        raise ModelError(f"{model_file}: the model does not take these images: {first_line(error)}") from None
    if not np.isfinite(probabilities).all():
        raise ModelError(f"{model_file}: expected probabilities, but the model gives NaN; its weights are damaged")
    return probabilities


def _no_rows(model: Any) -> Probabilities:
    return np.zeros((0, model.output_shape[-1]), np.float32)
