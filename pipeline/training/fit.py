"""Trains one candidate from its first epoch to its outcome. Runs in a worker, under any Keras backend."""

import math
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from pipeline.data import Dataset
from pipeline.training.batches import ReadingBatches, TrainingBatches
from pipeline.training.build import build, build_served
from pipeline.training.epochs import Epochs, trained
from pipeline.training.optimize import loss, optimizer
from pipeline.training.precision import jit, policy
from pipeline.training.task import TrainTask
from pipeline.trial import Ask, Outcome

Channels = tuple[float, ...]
"""One number a channel."""

_SAMPLE = 64 << 20
_BLOCK = 1 << 20
"""Bytes of pixels that the mean and deviation of the channels are taken from, and how many of them at once."""

_normalisations: dict[tuple[str, int], tuple[Channels, Channels]] = {}
"""Of the datasets that this worker has seen, by digest and seed of the split."""


def train(task: TrainTask, ask: Ask) -> Outcome:
    """Builds, fits and saves the task's candidate; ``ask`` hears of every epoch and says whether to go on.

    The value is the best validation accuracy of the epochs, and the saved model has the weights of that epoch.
    A loss that is not finite ends the trial as failed.
    """
    return trained(task, ask, _fit, _served)


def _served(task: TrainTask, weights: list[Any]) -> Any:
    scale, offset = normalisation(task.dataset)
    served = build_served(task.architecture, scale=scale, offset=offset)
    served.set_weights(weights)
    return served


def _compiled(task: TrainTask) -> Any:
    scale, offset = normalisation(task.dataset)
    keras.utils.set_random_seed(task.trial.seed)
    keras.config.set_dtype_policy(policy(task.precision))
    model = build(task.architecture, scale=scale, offset=offset)
    batch = min(task.recipe.batch_size, len(task.dataset.train))
    steps = task.trial.epochs * (len(task.dataset.train) // batch)
    model.compile(
        optimizer=optimizer(task.recipe, steps),
        loss=loss(task.recipe),
        metrics=["accuracy"],
        jit_compile=jit(),
    )
    return model


def _fit(task: TrainTask, epochs: Epochs) -> None:
    data, classes = task.dataset, len(task.dataset.classes)
    _compiled(task).fit(
        TrainingBatches(data.images, data.labels, data.train, classes, task.recipe, task.trial.seed),
        validation_data=ReadingBatches(data.images, data.validation, data.labels, classes),
        epochs=task.trial.epochs,
        callbacks=[epochs],
        verbose=0,
    )


def normalisation(dataset: Dataset) -> tuple[Channels, Channels]:
    """Scale and offset a channel that give the training images mean 0 and deviation 1.

    Those of 64 MiB of evenly spaced images stand for all; they are counted once in the life of the process.
    """
    key = dataset.digest, dataset.seed
    if key not in _normalisations:
        counts, levels = _histogram(dataset), np.arange(256.0)
        pixels = counts.sum(axis=1)
        mean = counts @ levels / pixels
        variance = (counts * (levels - mean[:, None]) ** 2).sum(axis=1) / pixels
        deviation = np.sqrt(np.maximum(variance, 1.0))  # a channel of one colour must not divide by zero
        _normalisations[key] = tuple((1 / deviation).tolist()), tuple((-mean / deviation).tolist())
    return _normalisations[key]


def _histogram(dataset: Dataset) -> NDArray[np.float64]:
    """How many pixels of a sample of the training images have each level: (channels, 256)."""
    size, channels = math.prod(dataset.shape), dataset.shape[2]
    taken = min(len(dataset.train), max(1, _SAMPLE // size))
    rows = dataset.train[np.arange(taken) * len(dataset.train) // taken]
    counts, block = np.zeros((channels, 256)), max(1, _BLOCK // size)
    for start in range(0, taken, block):
        images = dataset.images[rows[start : start + block]]
        for channel in range(channels):
            counts[channel] += np.bincount(images[..., channel].ravel(), minlength=256)
    return counts
