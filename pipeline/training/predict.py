"""Class probabilities from a model file, for arrays, files and datasets. Runs in a worker, in bounded memory."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.arrays import Images, Probabilities
from pipeline.data import Dataset
from pipeline.data.decode import decode_bytes, read_file, silence_pillow
from pipeline.errors import DataError, ModelError
from pipeline.executors import Progress
from pipeline.training.measured_latency import BATCHES, Latency, measure_latency
from pipeline.training.reading import reading_batch_size
from pipeline.training.runnable_model import Predict, RunnableModel


def predict_arrays(model_file: Path, images: Images) -> Probabilities:
    """The probabilities (n, classes) of uint8 images (n, height, width, channels) of any size; n may be 0.

    ``model_file`` is a ``.keras`` file. This and the next two functions raise ModelError when the model cannot be run
    on the images (see ``RunnableModel.open``); this one also for images that are not uint8, such as pixels from 0 to 1:
    Keras would cut them to 0.
    """
    if images.dtype != np.uint8:
        expected = "expected pixels from 0 to 255 as uint8"
        raise ModelError(f"{model_file}: {expected}, got {images.dtype}; multiply pixels from 0 to 1 by 255")
    model = RunnableModel(model_file)
    return _predict_rows(model, model.open(), images, np.arange(len(images)))


def predict_dataset(
    model: RunnableModel, dataset: Dataset, rows: NDArray[np.int64], progress: Progress = lambda done, total: None
) -> Probabilities:
    """The probabilities (len(rows), classes) of the images ``rows`` of the dataset, in that order.

    ``progress(done, total)`` is called with the batches.
    """
    return _predict_rows(model, model.open(), dataset.images, rows, progress)


def predict_and_time(
    model: RunnableModel, dataset: Dataset, rows: NDArray[np.int64], progress: Progress = lambda done, total: None
) -> tuple[Probabilities, list[Latency]]:
    """What ``predict_dataset`` returns, and how long the model takes for some of the images; there must be one."""
    predict = model.open()
    probabilities = _predict_rows(model, predict, dataset.images, rows, progress)
    return probabilities, measure_latency(predict, np.asarray(dataset.images[rows[: max(BATCHES)]]))


def _predict_rows(
    model: RunnableModel,
    predict: Predict,
    images: Images,
    rows: NDArray[np.int64],
    progress: Progress = lambda done, total: None,
) -> Probabilities:
    size = reading_batch_size(images.shape[1:])
    starts = range(0, len(rows), size)
    parts = [_no_rows(model)]
    for number, start in enumerate(starts):
        progress(number, len(starts))
        parts.append(predict(np.asarray(images[rows[start : start + size]])))
    return np.concatenate(parts)


def predict_files(
    model: RunnableModel, paths: Sequence[Path], progress: Progress = lambda done, total: None
) -> tuple[Probabilities, list[str]]:
    """Decodes each file as for training; returns the probabilities (n, classes), and one error text per file.

    A file that cannot be read has a row of NaN and a text that names it and says why; the texts of the others are "".
    ``progress(done, total)`` is called with the files.
    """
    predict, shape, white = model.open(), model.metadata.shape, model.metadata.white
    parts, faults = [_no_rows(model)], list[str]()
    for start in range(0, len(paths), size := reading_batch_size(shape)):
        images, problems = _decode(paths[start : start + size], shape, white)
        rows = np.full((len(images), parts[0].shape[1]), np.nan, np.float32)
        readable = np.array([not problem for problem in problems])
        if readable.any():
            rows[readable] = predict(images[readable])
        parts.append(rows)
        faults += problems
        progress(len(faults), len(paths))
    return np.concatenate(parts), faults


def _decode(paths: Sequence[Path], shape: tuple[int, int, int], white: int | None) -> tuple[Images, list[str]]:
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


def _no_rows(model: RunnableModel) -> Probabilities:
    return np.zeros((0, len(model.metadata.classes)), np.float32)
