"""Trains one candidate from its first epoch to its outcome. Runs in a worker, under any Keras backend."""

import math
import time
from dataclasses import replace
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from pipeline.data import Dataset
from pipeline.training.batches import ReadingBatches, TrainingBatches
from pipeline.training.build import build, build_served
from pipeline.training.memory import forgetting
from pipeline.training.optimize import loss, optimizer
from pipeline.training.precision import device, policy
from pipeline.training.save import save
from pipeline.training.task import TrainTask
from pipeline.trial import Answer, Ask, Outcome, Report, State

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
    began = time.monotonic()
    with forgetting():
        outcome = _train(task, _Epochs(task.trial.number, ask, began))
    return replace(outcome, seconds=time.monotonic() - began)


def _train(task: TrainTask, epochs: "_Epochs") -> Outcome:
    scale, offset = normalisation(task.dataset)
    _fit(_compiled(task, scale, offset), task, epochs)
    outcome = replace(epochs.outcome(task.trial.epochs), device=device())
    if outcome.state is not State.FAILED and epochs.answer is not Answer.PRUNE:
        outcome = replace(outcome, model=str(task.model_file))
        _save(task, outcome, epochs.best_weights, scale, offset)
    return outcome


def _save(task: TrainTask, outcome: Outcome, weights: list[Any], scale: Channels, offset: Channels) -> None:
    keras.config.set_dtype_policy("float32")  # whatever it was trained with, it must run anywhere
    served = build_served(task.architecture, scale=scale, offset=offset)
    served.set_weights(weights)
    save(served, task.model_file, replace(task.card, value=outcome.value))


def _compiled(task: TrainTask, scale: Channels, offset: Channels) -> Any:
    keras.utils.set_random_seed(task.trial.seed)
    keras.config.set_dtype_policy(policy(task.precision))
    model = build(task.architecture, scale=scale, offset=offset)
    batch = min(task.recipe.batch_size, len(task.dataset.train))
    steps = task.trial.epochs * (len(task.dataset.train) // batch)
    model.compile(
        optimizer=optimizer(task.recipe, steps),
        loss=loss(task.recipe),
        metrics=["accuracy"],
        # XLA on CPU makes TensorFlow's training 3 times slower (measured); JAX always compiles.
        jit_compile=False if keras.backend.backend() == "tensorflow" and device() == "cpu" else "auto",
    )
    return model


def _fit(model: Any, task: TrainTask, epochs: "_Epochs") -> None:
    data, classes = task.dataset, len(task.dataset.classes)
    model.fit(
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


class _Epochs(keras.callbacks.Callback):  # type: ignore[misc]
    """Reports every epoch, keeps the best weights, and stops when told to or when the loss is not finite."""

    def __init__(self, number: int, ask: Ask, began: float) -> None:
        super().__init__()
        self._number, self._ask, self._began = number, ask, began
        self._history: list[Report] = []
        self._best = -math.inf
        self._fault = ""
        self.answer = Answer.GO
        self.best_weights: list[Any] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Called by Keras with the epoch (from 0) and its mean metrics."""
        metrics = {name: float(value) for name, value in (logs or {}).items()}
        metrics["learning_rate"] = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        if not (math.isfinite(metrics["loss"]) and math.isfinite(metrics["val_loss"])):
            self._fault = f"loss is {metrics['loss']:g}, val_loss {metrics['val_loss']:g} in epoch {epoch + 1}"
            self.model.stop_training = True
            return
        report = Report(self._number, epoch + 1, metrics, time.monotonic() - self._began)
        self._history.append(report)
        if metrics["val_accuracy"] > self._best:
            self._best = metrics["val_accuracy"]
            self.best_weights = self.model.get_weights()
        self.answer = self._ask(report)
        self.model.stop_training = self.answer is not Answer.GO

    def outcome(self, epochs: int) -> Outcome:
        """What came of the trial that was to run ``epochs`` epochs."""
        state, reason = State.COMPLETE, self._fault
        if self._fault:
            state = State.FAILED
        elif len(self._history) < epochs:
            state, reason = State.PRUNED, f"stopped after epoch {len(self._history)} of {epochs}"
        value = self._best if self._history else None
        return Outcome(self._number, state, value, len(self._history), reason=reason, history=tuple(self._history))
