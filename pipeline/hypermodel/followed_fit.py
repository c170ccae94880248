"""Follows the trainings that a ``fit`` of a HyperModel's own makes, as those of families are followed. In workers."""

import inspect
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from pipeline.data import Dataset
from pipeline.errors import WorkerError
from pipeline.hypermodel.call_fit import call_fit
from pipeline.hypermodel.data_form import DataForm
from pipeline.hypermodel.fit_data import check_labels
from pipeline.training.first_step import create_state
from pipeline.training.precision import choose_jit
from pipeline.training.reporting_callback import ReportingCallback, TrainingStopped

_BATCH_SIZE = 32
"""Images per step of a ``model.fit`` that is given arrays and no batch size: Keras's own default."""
_MAX_BYTES = 4 << 30
"""The most bytes of images that a ``fit`` of the HyperModel's own is given as arrays."""


class FollowedFit:
    """Replaces ``model.fit``, so that each of its trainings is reported, scored and stopped as those of families are.

    Whatever the user's ``fit`` gives it, ``callback`` is among its callbacks, it validates on ``validation`` after each
    epoch, and it prints nothing. Epochs that are not given are those of the trial if the callback or validation images
    are passed on, since KerasTuner would pass on all of it; else they are one, as for Keras.
    """

    def __init__(self, model: Any, callback: ReportingCallback, epochs: int, validation: Any) -> None:
        self._model, self._callback, self._epochs, self._validation = model, callback, epochs, validation
        self._fit, self._signature = model.fit, inspect.signature(model.fit)
        self._begun = False
        model.fit = self._follow

    @property
    def model(self) -> Any:
        """The model that is trained."""
        return self._model

    @property
    def begun(self) -> bool:
        """Whether a training has begun."""
        return self._begun

    def _follow(self, *args: Any, **kwargs: Any) -> Any:
        if self._callback.ended:
            raise TrainingStopped  # all that its own fit does from here on is in vain
        arguments = self._signature.bind(*args, **kwargs).arguments
        check_labels(arguments.get("y"))
        self._begun = True
        callbacks = self._callbacks(arguments.get("callbacks"))
        others = [other for other in callbacks if not isinstance(other, ReportingCallback)]  # it may pass a copy
        if len(others) < len(callbacks) or arguments.get("validation_data") is not None:
            arguments.setdefault("epochs", self._epochs)
        ours = {
            "callbacks": [*others, self._callback],
            "validation_data": self._validation,
            "validation_split": 0.0,
            "validation_steps": None,
            "validation_freq": 1,
            "verbose": 0,
        }
        labels = arguments.get("y")
        prepare_fit(self._model, labels[:1] if isinstance(labels, np.ndarray) else None)
        in_arrays = isinstance(arguments.get("x"), np.ndarray)
        self._callback.batch_size = (arguments.get("batch_size") or _BATCH_SIZE) if in_arrays else None
        return self._fit(**arguments | ours)

    def _callbacks(self, given: Any) -> list[Any]:
        if isinstance(given, keras.callbacks.CallbackList):
            given = given.callbacks
        return list(given) if isinstance(given, list | tuple) else [given] if given is not None else []


def call_followed(
    followed: FollowedFit, hypermodel: Any, hp: Any, data: Dataset, form: DataForm, settings: dict[str, Any]
) -> None:
    """Calls ``fit`` on all images; see ``call_fit``. WorkerError if they are too many, or it trains nothing."""
    _check_size(data)
    rows = data.train, data.validation
    call_fit(hypermodel, hp, followed.model, data, form, rows, settings, lambda: followed.begun)
    if not followed.begun:
        raise WorkerError("its fit() ended without training the model that it was given by model.fit()")


def _check_size(data: Dataset) -> None:
    """WorkerError for images that are too many or too large to be held as arrays."""
    size = 4 * (len(data.train) + len(data.validation)) * int(np.prod(data.shape))
    if size > _MAX_BYTES:
        raise WorkerError(
            f"its own fit() is given all images as arrays of {size / 1e9:.1f} GB,"
            f" at most {_MAX_BYTES / 1e9:.1f}; give fewer or smaller images"
        )


def prepare_fit(model: Any, labels: NDArray[Any] | None) -> None:
    """Creates a model's state (see ``create_state``), and leaves out XLA where it is slower.

    XLA stays as it is if the model was compiled with or without it on purpose.
    """
    create_state(model, labels)
    if model.get_compile_config().get("jit_compile", "auto") == "auto":
        model.jit_compile = model.jit_compile and choose_jit() is not False
