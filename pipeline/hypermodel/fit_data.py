"""Judges the labels and images that a ``fit`` of a HyperModel's own gives ``model.fit``. In workers."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from pipeline.hypermodel.source import UntrainableError

_OUTSIDE = 0.1
"""How far most pixels may leave the range of those given, in parts of it: augmentation with some noise stays nearer."""
_MEAN_SHIFT = 0.2
"""How far the mean may move, in parts of the range: black corners around rotated white pictures move it by 0.15."""
_DARKEST = 1 / 3
"""The least part of the mean that may be left; division by 255 leaves less of the darkest pictures too."""


def check_labels(labels: Any) -> None:
    """ValueError for labels that were one-hot before they were made so."""
    if getattr(labels, "ndim", 1) > 2:
        raise ValueError(f"labels of shape {labels.shape}; expected one-hot labels of 2 axes")


@dataclass(frozen=True)
class Levels:
    """How dark, how bright and how light on average the typical image of some is.

    ``dark`` and ``bright`` leave out a twentieth of its pixels each, so that noise hardly changes them. All are means
    over images: what is random for each image, as augmentation is, hardly changes them either.
    """

    dark: float
    mean: float
    bright: float

    def __str__(self) -> str:
        return f"mostly {self.dark:.2g} to {self.bright:.2g} with the mean {self.mean:.2g}"


def measure_levels(data: Any, images: int) -> Levels | None:
    """The levels of the first ``images`` of whatever ``model.fit`` takes as ``x``; None if there are none.

    That may be an array, a dataset or a generator of batches. A generator gives these images only once, so this is for
    those that nothing is trained on.

    >>> measure_levels((batch for batch in [(np.full((2, 9, 9, 3), 0.5), [0, 1])]), images=8)
    Levels(dark=0.5, mean=0.5, bright=0.5)
    """
    levels = [np.stack(_levels_of_each(batch)) for batch in _batches(data, images) if len(batch)]
    return Levels(*map(float, np.concatenate(levels, axis=1).mean(axis=1))) if levels else None


def check_images(data: Any, images: int, given: Levels, white: float) -> None:
    """UntrainableError unless the first ``images`` of ``data`` have levels near those ``given``, between 0 and white.

    The validation and the saved model see images as they are given, so a ``fit`` may augment but not preprocess them.
    """
    found = measure_levels(data, images)
    if found is None or _are_near(given, found, white):
        return
    raise UntrainableError(
        f"its fit() is given pixels {given} and trains on pixels {found}, but the validation and the saved model get"
        " them as given; preprocess them in build, by a layer such as Rescaling or Normalization",
        "fit preprocesses the images",
    )


def _are_near(given: Levels, found: Levels, white: float) -> bool:
    return (
        found.dark >= -_OUTSIDE * white
        and found.bright <= (1 + _OUTSIDE) * white
        and abs(found.mean - given.mean) <= _MEAN_SHIFT * white
        and found.mean >= _DARKEST * given.mean
    )


def _batches(data: Any, images: int) -> Iterator[NDArray[Any]]:
    """The images of the first batches, until there are as many."""
    first: Any = next(iter(keras.tree.flatten(data)), None)  # a model's only input may be in a list or dict
    if hasattr(first, "shape"):
        yield np.asarray(first)
        return
    seen = 0
    for batch in islice(iter(first), images) if hasattr(first, "__iter__") else ():
        yield (pixels := np.asarray(keras.tree.flatten(batch)[0]))
        if (seen := seen + len(pixels)) >= images:
            return


def _levels_of_each(images: NDArray[Any]) -> tuple[NDArray[np.float32], ...]:
    values = images.reshape(len(images), -1).astype(np.float32)
    dark, bright = np.quantile(values, (0.05, 0.95), axis=1)
    return dark, values.mean(axis=1), bright
