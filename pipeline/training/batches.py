"""Batches of a memory-mapped dataset, for training and for reading through."""

import math
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from pipeline.recipe import Recipe
from pipeline.training.augment import augment

_IMAGES = 256
_BYTES = 16 << 20


def reading_size(shape: tuple[int, ...]) -> int:
    """How many images (height, width, channels) a batch that is only read holds: 256, or 16 MiB of pixels if fewer.

    The first layers need some hundred times as much for a moment.
    """
    return max(1, min(_IMAGES, _BYTES // max(1, math.prod(shape))))


class TrainingBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """Shuffled, augmented batches: images uint8 (batch, height, width, channels) and one-hot labels float32.

    Every epoch has an order of its own, which follows from ``seed``. The images that do not fill a batch are left
    out (others each epoch): a backend that compiles per shape would compile twice.
    """

    def __init__(
        self,
        images: NDArray[np.uint8],
        labels: NDArray[np.int64],
        indices: NDArray[np.int64],
        classes: int,
        recipe: Recipe,
        seed: int,
    ) -> None:
        super().__init__()
        self._images, self._labels, self._indices = images, labels, indices
        self._one_hot = np.eye(classes, dtype=np.float32)
        self._recipe, self._seed, self._epoch = recipe, seed, 0
        self._size = min(recipe.batch_size, len(indices))
        self._shuffle()

    def _shuffle(self) -> None:
        self._random = np.random.default_rng([self._seed, self._epoch])
        self._order = self._random.permutation(self._indices)

    def __len__(self) -> int:
        return len(self._indices) // self._size

    def __getitem__(self, position: int) -> tuple[Any, Any]:
        chosen = self._order[position * self._size : (position + 1) * self._size]
        return augment(self._images[chosen], self._recipe, self._random), self._one_hot[self._labels[chosen]]

    def on_epoch_end(self) -> None:
        """Draws the next epoch's order."""
        self._epoch += 1
        self._shuffle()


class ReadingBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches in the order of ``indices``, unchanged; with one-hot labels when ``labels`` are given."""

    def __init__(
        self,
        images: NDArray[np.uint8],
        indices: NDArray[np.int64],
        labels: NDArray[np.int64] | None = None,
        classes: int = 0,
    ) -> None:
        super().__init__()
        self._images, self._indices, self._labels = images, indices, labels
        self._size = reading_size(images.shape[1:])
        self._one_hot = np.eye(classes, dtype=np.float32)

    def __len__(self) -> int:
        return -(-len(self._indices) // self._size)

    def __getitem__(self, position: int) -> tuple[Any, ...]:
        chosen = self._indices[position * self._size : (position + 1) * self._size]
        if self._labels is None:
            return (self._images[chosen],)
        return self._images[chosen], self._one_hot[self._labels[chosen]]
