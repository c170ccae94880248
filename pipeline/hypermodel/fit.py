"""Trains one model of a HyperModel: its own optimizer, loss, metrics and fit, on this project's data. In workers."""

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from pipeline.data import Dataset
from pipeline.errors import WorkerError
from pipeline.hypermodel.loader import build_model, has_own_fit, hyperparameters_with, load, own_policy
from pipeline.hypermodel.source import HyperModelSource
from pipeline.hypermodel.user_model import build_inference_model, encode_one_hot, pixel_divisor, takes_class_numbers
from pipeline.recipe import Recipe
from pipeline.study.trial import ReportCallback, TrialResult
from pipeline.training.batches import ReadingBatches, TrainingBatches
from pipeline.training.evaluation import log_all_metrics
from pipeline.training.inputs import TrainingInputs
from pipeline.training.memory import forget_models
from pipeline.training.precision import choose_jit
from pipeline.training.reporting_callback import ReportingCallback, TrainingStopped, Weights, save_best_model

_BATCH_SIZE = 32
"""Images per step: Keras's own default, and so KerasTuner's."""
_MAX_BYTES = 4 << 30
"""The most bytes of images that a ``fit`` of the HyperModel's own is given as arrays."""
_SAMPLE = 32
"""The number of images that show whether a model's outputs are probabilities."""


def train(source: HyperModelSource, inputs: TrainingInputs, report: ReportCallback) -> TrialResult:
    """Builds and fits the model as its HyperModel says, and saves it with the weights of its best epoch.

    See ``pipeline.training.fit.train``. The precision ``auto`` leaves the dtype policy to the HyperModel: it is float32
    where that sets none, on GPUs too.
    """
    callback = ReportingCallback(inputs.trial, inputs.metric, report)
    with forget_models():
        with suppress(TrainingStopped):
            _fit(source, inputs, callback)
        if not callback.keeps_model:
            return callback.result()
        return save_best_model(_inference_model(source, inputs, callback.best_weights), callback, inputs)


def _fit(source: HyperModelSource, inputs: TrainingInputs, callback: ReportingCallback) -> None:
    keras.utils.set_random_seed(inputs.trial.seed)
    hypermodel, hp = load(source), hyperparameters_with(inputs.trial.params)
    keras.config.set_dtype_policy(own_policy(source) if inputs.precision == "auto" else inputs.precision)
    model = build_model(source, hp)
    if model.get_compile_config().get("jit_compile", "auto") == "auto":
        model.jit_compile = model.jit_compile and choose_jit() is not False
    data, form = inputs.dataset, _data_form(model, inputs.dataset)
    validation = _FormedBatches(ReadingBatches(data.images, data.validation, data.labels, form.classes), form)
    log_all_metrics(model, validation, data.labels[data.validation])
    settings = {"epochs": inputs.trial.epochs, "callbacks": [callback], "verbose": 0}
    if has_own_fit(hypermodel):  # it expects images and labels, and a pair of them for the validation
        _check_size(source, data)
        x, y = form.arrays(data, data.train)
        hypermodel.fit(hp, model, x, y, validation_data=form.arrays(data, data.validation), **settings)
    else:
        recipe = replace(Recipe.from_params({}), batch_size=_BATCH_SIZE)
        training = TrainingBatches(data.images, data.labels, data.train, form.classes, recipe, inputs.trial.seed)
        hypermodel.fit(hp, model, _FormedBatches(training, form), validation_data=validation, **settings)


def _inference_model(source: HyperModelSource, inputs: TrainingInputs, weights: Weights) -> Any:
    """The model that users get, in float32 whatever the precision of the training was: it must run anywhere."""
    keras.config.set_dtype_policy("float32")
    model = build_model(source, hyperparameters_with(inputs.trial.params))
    model.set_weights(weights)
    data = inputs.dataset
    sample = _data_form(model, data).form_images(data.images[data.validation[:_SAMPLE]])
    return build_inference_model(model, data.shape, sample)


@dataclass(frozen=True)
class _DataForm:
    """The form in which a model takes its data.

    Images are float32, their pixels divided by ``divisor``. Labels are class numbers or one-hot.
    """

    divisor: float
    class_numbers: bool
    classes: int

    def form_images(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        return pixels.astype(np.float32) / np.float32(self.divisor)

    def form_labels(self, one_hot: NDArray[np.float32]) -> NDArray[Any]:
        return one_hot.argmax(axis=1) if self.class_numbers else one_hot

    def arrays(self, data: Dataset, rows: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[Any]]:
        """The images and labels of these rows."""
        return self.form_images(data.images[rows]), self.form_labels(encode_one_hot(data.labels[rows], self.classes))


def _data_form(model: Any, data: Dataset) -> _DataForm:
    return _DataForm(pixel_divisor(model), takes_class_numbers(model), len(data.classes))


class _FormedBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches of pixels and one-hot labels, in the form that a model takes."""

    def __init__(self, batches: keras.utils.PyDataset, form: _DataForm) -> None:
        super().__init__()
        self._batches, self._form = batches, form

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, position: int) -> tuple[NDArray[np.float32], NDArray[Any]]:
        pixels, one_hot = self._batches[position]
        return self._form.form_images(pixels), self._form.form_labels(one_hot)

    def on_epoch_end(self) -> None:
        """Called by Keras; draws the order of the next epoch."""
        self._batches.on_epoch_end()


def _check_size(source: HyperModelSource, data: Dataset) -> None:
    """WorkerError for images that are too many or too large to be held as arrays."""
    size = 4 * (len(data.train) + len(data.validation)) * int(np.prod(data.shape))
    if size > _MAX_BYTES:
        raise WorkerError(
            f"{source}: its own fit() is given all images as arrays of {size / 1e9:.1f} GB,"
            f" at most {_MAX_BYTES / 1e9:.1f}; give fewer or smaller images"
        )
