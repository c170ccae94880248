"""Trains one trial of a HyperModel: its own model, optimizer, loss and metrics on this project's data."""

from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from pipeline.errors import WorkerError
from pipeline.recipe import Recipe
from pipeline.training.batches import ReadingBatches, TrainingBatches
from pipeline.training.epochs import Epochs, trained
from pipeline.training.hypermodel import model as models
from pipeline.training.hypermodel.source import asked, build, fits_itself, load, own_policy
from pipeline.training.hypermodel.task import HyperTask
from pipeline.training.precision import jit
from pipeline.trial import Ask, Outcome

_BATCH = 32
"""Images a step, as Keras and so KerasTuner have it where nothing else is said."""
_AT_ONCE = 4 << 30
"""Bytes of training images that a ``fit`` of the HyperModel's own may be given as arrays."""
_ACCURACIES = ("val_acc", "val_categorical_accuracy", "val_sparse_categorical_accuracy")
_LOOK = 32
"""Images that show whether a model's outputs are probabilities."""


@dataclass(frozen=True)
class _Form:
    """How the model wants its data: pixels over ``divisor`` as float32, labels ``whole`` or one-hot."""

    divisor: float
    whole: bool
    classes: int

    def images(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        return pixels.astype(np.float32) / np.float32(self.divisor)

    def labels(self, numbers: NDArray[np.int64]) -> NDArray[Any]:
        return models.labels(numbers, self.classes, self.whole)

    def from_one_hot(self, labels: NDArray[np.float32]) -> NDArray[Any]:
        return labels.argmax(axis=1) if self.whole else labels


def train(task: HyperTask, ask: Ask) -> Outcome:
    """As ``pipeline.training.fit.train``; optimizer, loss and metrics are those that the model is compiled with.

    The precision ``auto`` leaves the dtype policy to the HyperModel: float32 where it says nothing, on GPUs too.
    The validation accuracy is the model's own metric, or measured after each epoch if it has none.
    """
    return trained(task, ask, _fit, _served)


def _fit(task: HyperTask, epochs: Epochs) -> None:
    keras.utils.set_random_seed(task.trial.seed)
    hypermodel, hp = load(task.blueprint), asked(task.trial.values)
    keras.config.set_dtype_policy(own_policy(task.blueprint) if task.precision == "auto" else task.precision)
    model = build(task.blueprint, hp)
    if model.get_compile_config().get("jit_compile", "auto") == "auto":
        model.jit_compile = model.jit_compile and jit() is not False
    data, form = task.dataset, _form(task, model)
    batches = _arrays if fits_itself(hypermodel) else _batches
    inputs, validation = batches(task, form)
    accuracy = _Accuracy(ReadingBatches(data.images, data.validation), data.labels[data.validation], form)
    hypermodel.fit(
        hp,
        model,
        *inputs,
        validation_data=validation,
        epochs=task.trial.epochs,
        callbacks=[accuracy, epochs],
        verbose=0,
    )


def _served(task: HyperTask, weights: list[Any]) -> Any:
    model = build(task.blueprint, asked(task.trial.values))
    model.set_weights(weights)
    data = task.dataset
    pixels = _form(task, model).images(data.images[data.validation[:_LOOK]])
    return models.served(model, data.shape, pixels)


def _form(task: HyperTask, model: Any) -> _Form:
    return _Form(models.divisor(model), models.sparse(model), len(task.dataset.classes))


def _batches(task: HyperTask, form: _Form) -> tuple[tuple[Any, ...], Any]:
    data, classes, recipe = task.dataset, form.classes, replace(Recipe.from_values({}), batch_size=_BATCH)
    training = TrainingBatches(data.images, data.labels, data.train, classes, recipe, task.trial.seed)
    return (_Formed(training, form),), _Formed(ReadingBatches(data.images, data.validation, data.labels, classes), form)


def _arrays(task: HyperTask, form: _Form) -> tuple[tuple[Any, ...], Any]:
    """What a ``fit`` of the user's own expects: images and labels, and a pair of them for validation."""
    data = task.dataset
    size = 4 * (len(data.train) + len(data.validation)) * int(np.prod(data.shape))
    if size > _AT_ONCE:
        raise WorkerError(
            f"{task.blueprint}: its own fit() is given all images as arrays of {size / 1e9:.1f} GB,"
            f" at most {_AT_ONCE / 1e9:.1f}; give fewer or smaller images"
        )
    parts = [(form.images(data.images[rows]), form.labels(data.labels[rows])) for rows in (data.train, data.validation)]
    return parts[0], parts[1]


class _Formed(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches of pixels, with one-hot labels or none, as the model wants them."""

    def __init__(self, batches: Any, form: _Form) -> None:
        super().__init__()
        self._batches, self._form = batches, form

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, position: int) -> tuple[Any, ...]:
        pixels, *one_hot = self._batches[position]
        return self._form.images(pixels), *map(self._form.from_one_hot, one_hot)

    def on_epoch_end(self) -> None:
        """Draws the next epoch's order."""
        self._batches.on_epoch_end()


class _Accuracy(keras.callbacks.Callback):  # type: ignore[misc]
    """Gives each epoch a ``val_accuracy``, under whatever name the model has it; measures it where it has none."""

    def __init__(self, images: ReadingBatches, numbers: NDArray[np.int64], form: _Form) -> None:
        super().__init__()
        self._images, self._numbers = _Formed(images, form), numbers

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Called by Keras before the callback that reports; both have the same ``logs``."""
        assert logs is not None
        if "val_loss" not in logs:
            raise WorkerError(
                "its fit() leaves out the validation of an epoch, which trials are judged by; pass on what it is given"
            )
        for name, value in logs.items():
            logs[name] = float(np.mean(value))  # a metric may have a value a class
        named = next((name for name in _ACCURACIES if name in logs), None)
        if named is not None:
            logs.setdefault("val_accuracy", logs[named])
        elif "val_accuracy" not in logs:
            logs["val_accuracy"] = self._measured()

    def _measured(self) -> float:
        outputs = np.asarray(self.model.predict(self._images, verbose=0))
        return float((outputs.argmax(axis=1) == self._numbers).mean())
