"""Explains a model by image files, or a study's model by its validation images. Runs in a worker with Keras."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from pipeline.data import Dataset
from pipeline.data.decode import decode_bytes, read_file, read_header, silence_pillow
from pipeline.errors import DataError, printable
from pipeline.executors import Progress
from pipeline.explain.explained_model import ExplainedModel, open_model, shapes
from pipeline.explain.explanation import ExplainOptions, Explanation, Floats, ImageExplanation
from pipeline.explain.image_explanation import explain_image, first_filters
from pipeline.explain.image_selection import select_images
from pipeline.explain.receptive_field import Shape
from pipeline.study.model_metadata import ModelMetadata, read_metadata
from pipeline.training.keras_model import count_macs

T = TypeVar("T")

_LONGEST_SIDE = 512
"""Pixels of the longer side that an image may have for a model that takes any size."""

_VALIDATION_OPTIONS = ExplainOptions(channels=16)

_PER_GROUP = 3
"""Validation images that are explained of those predicted correctly, and of those predicted wrongly."""

_MAX_CANDIDATES = 1000
"""Validation images that are predicted at most, to select from."""

_MIN_CANDIDATES = 16
"""Validation images that are predicted however large the model is."""

_MAX_MACS = 10**10
"""Multiply-accumulates that the prediction of all candidates may take."""

_BATCH_SIZE = 64

_BATCH_BYTES = 64 << 20
"""Bytes that the largest tensor of a batch may take."""


def explain_files(
    model_file: Path,
    metadata: ModelMetadata | None,
    paths: Sequence[Path],
    options: ExplainOptions,
    progress: Progress = lambda done, total: None,
) -> tuple[Explanation, list[str]]:
    """Explains a model by image files. Also returns one message per file that cannot be read.

    ``progress(done, total)`` is called with the images, here and in ``explain_validation``.

    Raises ModelError if the file is not an image model with a convolution, DataError if no image can be read, and
    JobError if the options ask for a unit that does not exist.
    """
    model = open_model(model_file, metadata, options.pixel_range)
    images, faults = [], []
    for number, path in enumerate(paths):
        progress(number, len(paths))
        try:
            image = _decode(path, model.shape, metadata.white if metadata else None)
        except DataError as error:
            faults.append(str(error))
        else:
            images.append(explain_image(model, image, path.name, options))
    if not images:
        more = f" (none of the {len(paths):,} files could be read as an image)" if len(paths) > 1 else ""
        raise DataError(faults[0] + more)
    return _explanation(model, images), faults


def explain_validation(model_file: Path, data: Dataset, progress: Progress = lambda done, total: None) -> Explanation:
    """Explains a study's model by validation images: some that it predicts correctly and some that it does not.

    They are selected among 1,000 evenly spaced ones, or as many as take 10 billion multiply-accumulates (at least 16).
    Measured on two cores with mnist5k, two convolutions: 0.8 s here, 0.5 s to draw, 2 MB.
    """
    model = open_model(model_file, read_metadata(model_file), None)
    rows, batch_size = _candidates(model, data)
    selected = select_images(_predict(model, data, rows, batch_size), data.labels[rows], _PER_GROUP)
    images = []
    for number, row in enumerate(rows[selected]):
        progress(number, len(selected))
        pixels, label = np.asarray(data.images[row]), int(data.labels[row])
        images.append(explain_image(model, pixels, f"validation {data.image_name(row)}", _VALIDATION_OPTIONS, label))
    return _explanation(model, images)


def _candidates(model: ExplainedModel, data: Dataset) -> tuple[NDArray[np.int64], int]:
    """Evenly spaced validation images, and how many of them fit into one batch."""
    tensor_shapes = shapes(model.run(np.asarray(data.images[data.validation[:1]])))
    affordable = max(_MIN_CANDIDATES, _MAX_MACS // _macs(model, tensor_shapes))
    count = min(len(data.validation), _MAX_CANDIDATES, affordable)
    rows = data.validation[np.arange(count) * len(data.validation) // count]
    bytes_per_image = 4 * max(math.prod(shape) for shape in tensor_shapes.values())
    return rows, min(_BATCH_SIZE, max(1, _BATCH_BYTES // bytes_per_image))


def _predict(model: ExplainedModel, data: Dataset, rows: NDArray[np.int64], batch_size: int) -> Floats:
    batches = [rows[start : start + batch_size] for start in range(0, len(rows), batch_size)]
    return np.concatenate([model.predict(np.asarray(data.images[batch])) for batch in batches])


def _macs(model: ExplainedModel, tensor_shapes: Mapping[int, Shape]) -> int:
    """Multiply-accumulates for one image, of the layers that can be counted; at least 1."""
    counts = (
        count_macs(step.operation, tensor_shapes[step.inputs[0]], tensor_shapes[step.outputs[0]])
        for step in model.graph.steps
    )
    return max(1, sum(count or 0 for count in counts))


def _decode(path: Path, shape: tuple[int | None, int | None, int], white: int | None) -> NDArray[np.uint8]:
    """The image in the shape that the model takes; where that is open in the image's own, of at most 512 pixels."""
    height, width, channels = shape
    content = read_file(str(path))
    with silence_pillow():
        if height is None or width is None:
            original = read_header(str(path), content)
            scale = min(1.0, _LONGEST_SIDE / max(original.height, original.width))
            height = height or max(1, round(original.height * scale))
            width = width or max(1, round(original.width * scale))
        return decode_bytes(str(path), content, (height, width, channels), white)


def _explanation(model: ExplainedModel, images: Sequence[ImageExplanation]) -> Explanation:
    filters = first_filters(model)
    return _printable(
        Explanation(model.file.name, model.classes, model.parameters, filters, tuple(images), model.notes)
    )


def _printable(told: T) -> T:
    """The same with all texts fit for a line: names of classes, layers and files are those of others.

    Pages, pictures and the terminal show them.
    """
    changed: object = told
    if isinstance(told, str):
        changed = printable(told)
    elif isinstance(told, tuple):
        changed = tuple(map(_printable, told))
    elif is_dataclass(told) and not isinstance(told, type):
        changed = replace(told, **{field.name: _printable(getattr(told, field.name)) for field in fields(told)})
    return cast(T, changed)
