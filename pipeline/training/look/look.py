"""Looks at what a network sees: filters, activation maps, receptive field, Grad-CAM. Runs in a worker."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline import model_card
from pipeline.data import Dataset
from pipeline.data.decode import header, pixels, quiet, read, shown
from pipeline.errors import DataError
from pipeline.model_card import ModelCard
from pipeline.training.keras_model import call_macs
from pipeline.training.look.choice import choose
from pipeline.training.look.field import Shape
from pipeline.training.look.network import Network, open_model, shapes
from pipeline.training.look.seen import Floats, Look, Sight, Wish
from pipeline.training.look.sight import filters, sight

_LARGEST = 512
"""Longest side in pixels of an image for a model that takes any size."""

_EACH, _BRIEF = 3, Wish(channels=16)
"""Images of both kinds, and what is shown of them."""

_ROWS, _WORK, _BATCH, _BYTES = 1000, 10**10, 64, 64 << 20
"""Validation images to choose from: at most so many, so many multiply-accumulates in all, and so many at a time, or so
many bytes of the largest tensor."""


def at_files(model_file: Path, card: ModelCard | None, paths: Sequence[Path], wish: Wish) -> tuple[Look, list[str]]:
    """Looks at the model with image files; what was wrong with those that cannot be read is told beside it.

    ModelError, DataError or JobError when there is nothing to look at: no network of images with a convolution, no
    readable image, a unit that is not there.
    """
    network = open_model(model_file, card, wish.levels)
    sights, faults = [], []
    for path in paths:
        try:
            image = _decoded(path, network.shape)
        except DataError as error:
            faults.append(str(error))
        else:
            sights.append(sight(network, image, shown(path.name), wish))
    if not sights:
        more = f" (none of the {len(paths):,} files could be read as an image)" if len(paths) > 1 else ""
        raise DataError(faults[0] + more)
    return _look(network, sights), faults


def at_validation(model_file: Path, data: Dataset) -> Look:
    """Looks at a study's model with some of the validation images that it gets right and some that it gets wrong.

    They are chosen among 1,000 evenly spaced ones, or as many as take 10 billion multiply-accumulates (at least 16).
    Measured on two cores with mnist5k, two convolutions: 0.8 s here, 0.5 s to draw, 2 MB.
    """
    network = open_model(model_file, model_card.get(model_file), None)
    rows = data.validation[:1]
    values = network.run(np.asarray(data.images[rows]))
    count = min(len(data.validation), _ROWS, max(16, _WORK // _macs(network, shapes(values))))
    rows = data.validation[np.arange(count) * len(data.validation) // count]
    size = max(1, _BYTES // (4 * max(math.prod(shape) for shape in shapes(values).values())))
    chosen = rows[choose(_shares(network, data, rows, min(size, _BATCH)), data.labels[rows], _EACH)]
    sights = [
        sight(network, np.asarray(data.images[row]), f"validation image {row}", _BRIEF, int(data.labels[row]))
        for row in chosen
    ]
    return _look(network, sights)


def _shares(network: Network, data: Dataset, rows: NDArray[np.int64], size: int) -> Floats:
    batches = [rows[start : start + size] for start in range(0, len(rows), size)]
    return np.concatenate([network.shares(np.asarray(data.images[batch])) for batch in batches])


def _macs(network: Network, known: Mapping[int, Shape]) -> int:
    """Multiply-accumulates for one image of the layers that can be counted; at least 1."""
    counted = (call_macs(step.operation, known[step.inputs[0]], known[step.outputs[0]]) for step in network.graph.steps)
    return max(1, sum(found or 0 for found in counted))


def _decoded(path: Path, shape: tuple[int | None, int | None, int]) -> NDArray[np.uint8]:
    """The image in the shape that the model takes; of its own where the model leaves it open, at most 512 pixels."""
    height, width, channels = shape
    content = read(str(path))
    with quiet():
        if height is None or width is None:
            found = header(str(path), content)
            scale = min(1.0, _LARGEST / max(found.height, found.width))
            height = height or max(1, round(found.height * scale))
            width = width or max(1, round(found.width * scale))
        return pixels(str(path), content, (height, width, channels))


def _look(network: Network, sights: Sequence[Sight]) -> Look:
    return Look(
        name=network.file.name,
        classes=network.classes,
        parameters=network.parameters,
        filters=filters(network),
        sights=tuple(sights),
        notes=network.notes,
    )
