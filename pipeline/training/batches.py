"""Batches of a memory-mapped dataset, for training and for reading it once, and how Keras gets them."""

import itertools
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from pipeline.recipe import Recipe
from pipeline.training.augment import augment
from pipeline.training.class_weights import balanced_weights
from pipeline.training.reading import reading_batch_size


class TrainingBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """Shuffled, augmented batches: images uint8 (batch, height, width, channels) and one-hot labels float32.

    With the recipe's ``class_weight`` a batch also has the weight of each image in the loss, float32 (batch,): that of
    its class. Keras divides the sum of the weighted losses by the number of images, and leaves metrics unweighted.
    ``indices`` are the rows of the images to train with. Each epoch has its own order, which follows from ``seed``.
    The last images of an epoch are left out if they do not fill a batch (different ones in each epoch), since a backend
    that compiles for each shape would compile twice.
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
        balanced = recipe.class_weight == "balanced"
        self._weights = balanced_weights(labels[indices], classes) if balanced else None
        self._shuffle()

    def _shuffle(self) -> None:
        self._random = np.random.default_rng([self._seed, self._epoch])
        self._order = self._random.permutation(self._indices)

    def __len__(self) -> int:
        return len(self._indices) // self._size

    def __getitem__(self, position: int) -> tuple[Any, ...]:
        rows = self._order[position * self._size : (position + 1) * self._size]
        labels = self._labels[rows]
        batch = augment(self._images[rows], self._recipe, self._random), self._one_hot[labels]
        return batch if self._weights is None else (*batch, self._weights[labels])

    def on_epoch_end(self) -> None:
        """Called by Keras; draws the order of the next epoch."""
        self._epoch += 1
        self._shuffle()


class EndlessBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """The epochs of ``batches``, one after the other without end, for a ``fit`` that is told ``steps_per_epoch``.

    Keras 3.15 then reads all epochs through one iterator. For a dataset with a length it makes two an epoch, and the
    one that it throws away has begun to draw batches of an epoch that the other one draws too.
    """

    def __init__(self, batches: keras.utils.PyDataset) -> None:
        super().__init__()
        self._batches = batches

    @property
    def num_batches(self) -> None:
        """None: without end."""
        return None

    def __getitem__(self, number: int) -> tuple[Any, ...]:
        position = number % len(self._batches)
        if number and not position:
            self._batches.on_epoch_end()
        batch: tuple[Any, ...] = self._batches[position]
        return batch


class ReadingBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches of unchanged images in order of ``indices``, with one-hot labels float32 when ``labels`` are given."""

    def __init__(
        self,
        images: NDArray[np.uint8],
        indices: NDArray[np.int64],
        labels: NDArray[np.int64] | None = None,
        classes: int = 0,
    ) -> None:
        super().__init__()
        self._images, self._indices, self._labels = images, indices, labels
        self._size = reading_batch_size(images.shape[1:])
        self._one_hot = np.eye(classes, dtype=np.float32)

    def __len__(self) -> int:
        return -(-len(self._indices) // self._size)

    def __getitem__(self, position: int) -> tuple[Any, ...]:
        rows = self._indices[position * self._size : (position + 1) * self._size]
        if self._labels is None:
            return (self._images[rows],)
        return self._images[rows], self._one_hot[self._labels[rows]]


def feed(batches: keras.utils.PyDataset) -> Any:
    """``batches`` as ``fit``, ``evaluate`` and ``predict`` are to get them: a ``tf.data.Dataset`` under TensorFlow.

    Keras makes one of a PyDataset too, but leaves autotuning on: its thread sleeps for 10 ms, then 20 ms and so on up
    to a minute, and if it misses the end of the iterator (TensorFlow 2.21), the training waits until it has slept. So
    training for 16 s ended after 21 s (measured). Other backends get ``batches`` themselves.
    """
    if keras.backend.backend() != "tensorflow":
        return batches
    import tensorflow as tf

    def generate() -> Iterator[Any]:
        size = batches.num_batches
        return (batches[number] for number in (itertools.count() if size is None else range(size)))

    options = tf.data.Options()
    options.autotune.enabled = False
    first = batches[0]
    signature = tuple(tf.TensorSpec((None, *part.shape[1:]), part.dtype) for part in first)
    dataset = tf.data.Dataset.from_generator(generate, output_signature=signature)
    if batches.num_batches is not None:
        dataset = dataset.apply(tf.data.experimental.assert_cardinality(batches.num_batches))
    return dataset.prefetch(2).with_options(options)
