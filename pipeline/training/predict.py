"""Class probabilities from a saved model, for arrays, files and datasets. Runs in a worker, in bounded memory."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline import model_card
from pipeline.data import Dataset
from pipeline.data.decode import pixels, quiet, read
from pipeline.errors import DataError, ModelError, first_line
from pipeline.training.batches import ReadingBatches, reading_size
from pipeline.training.save import load

Probabilities = NDArray[np.float32]


def probabilities(model_file: Path, images: NDArray[np.uint8]) -> Probabilities:
    """Float32 (n, classes) of the images uint8 (n, height, width, channels), of any size; none give (0, classes)."""
    return _predict(_load(model_file), images, model_file)


def over_dataset(model_file: Path, dataset: Dataset, indices: NDArray[np.int64]) -> Probabilities:
    """Float32 (len(indices), classes): the rows ``indices`` of the dataset's images, in that order."""
    model = _load(model_file)
    if not len(indices):
        return _none(model)
    return _checked(lambda: model.predict(ReadingBatches(dataset.images, indices), verbose=0), model_file)


def read_and_predict(
    model_file: Path, paths: Sequence[Path], shape: tuple[int, int, int]
) -> tuple[Probabilities, list[str]]:
    """Decodes each file as for training and predicts it: float32 (n, classes), and what was wrong with each file.

    ``shape`` is the (height, width, channels) of the model's card. A file that cannot be read has a row of NaN and
    one line that names it; the others have "".
    """
    model = _load(model_file)
    parts, faults = [_none(model)], []
    for start in range(0, len(paths), size := reading_size(shape)):
        batch, problems = _decode(paths[start : start + size], shape)
        rows = np.full((len(batch), parts[0].shape[1]), np.nan, np.float32)
        readable = np.array([not problem for problem in problems])
        if readable.any():
            rows[readable] = _predict(model, batch[readable], model_file)
        parts.append(rows)
        faults += problems
    return np.concatenate(parts), faults


def _load(model_file: Path) -> Any:
    """The model; ModelError unless it has one output for each class of its card."""
    classes, model = model_card.get(model_file).classes, load(model_file)
    if model.output_shape != (None, len(classes)):
        found = "outputs of shape " + str(model.output_shape)
        raise ModelError(
            f"{model_file}: expected a model with {len(classes)} outputs, one a class of its card, got {found}"
        )
    return model


def _decode(paths: Sequence[Path], shape: tuple[int, int, int]) -> tuple[NDArray[np.uint8], list[str]]:
    images = np.zeros((len(paths), *shape), np.uint8)

    def fill(position: int) -> str:
        try:
            path = str(paths[position])
            images[position] = pixels(path, read(path), shape)
        except DataError as error:
            return str(error)
        return ""

    with quiet(), ThreadPoolExecutor() as threads:
        return images, list(threads.map(fill, range(len(paths))))


def _predict(model: Any, images: NDArray[np.uint8], model_file: Path) -> Probabilities:
    if not len(images):
        return _none(model)
    size = reading_size(images.shape[1:])
    return _checked(lambda: model.predict(images, batch_size=size, verbose=0), model_file)


def _checked(predict: Callable[[], Any], model_file: Path) -> Probabilities:
    """What a model predicts. One from elsewhere may carry a card that does not suit it, or weights that are damaged."""
    try:
        found = np.asarray(predict(), np.float32)
    except (ValueError, TypeError) as error:
        raise ModelError(f"{model_file}: the model does not take these images: {first_line(error)}") from None
    if not np.isfinite(found).all():
        raise ModelError(f"{model_file}: expected probabilities, but the model gives NaN; its weights are damaged")
    return found


def _none(model: Any) -> Probabilities:
    return np.zeros((0, model.output_shape[-1]), np.float32)
