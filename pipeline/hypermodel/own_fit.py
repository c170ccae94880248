"""A ``fit`` of a HyperModel's own: called as KerasTuner calls it, tried on a few images, followed as it trains."""

import inspect
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from types import FunctionType
from typing import Any

import keras
import keras_tuner
import numpy as np
from numpy.typing import NDArray

from pipeline.data import Dataset
from pipeline.hypermodel.data_form import DataForm, Labels
from pipeline.hypermodel.replaced import replaced
from pipeline.hypermodel.source import UntrainableError
from pipeline.hypermodel.user_model import compute_key
from pipeline.training.precision import choose_jit
from pipeline.training.reporting_callback import ReportingCallback, TrainingStopped

_PER_CLASS = 16
"""The images of each class that a ``fit`` is tried on: enough for one of each class in a tenth of them."""
_TRIED_BYTES = 64 << 20
"""The most bytes of such images, unless two of each class are more."""
_BATCH_SIZE = 32
"""Images per step of a ``model.fit`` that is given arrays and no batch size: Keras's own default."""
_MOST_FITS = 20
"""The calls of ``model.fit`` after which a try is over: it may go on until some metric is good enough."""

_MOST_SCALING = 5.0
"""The factor by which a ``fit`` may change the brightest pixel: standardised images have less, 255 is more."""

Arrays = tuple[NDArray[np.float32], NDArray[Any]]
Rows = NDArray[np.int64]


class _TryIsOver(BaseException):
    """Raised in place of one training too many. User code may catch Exception, but not this."""


def has_own_fit(hypermodel: Any) -> bool:
    """Whether it overrides ``keras_tuner.HyperModel.fit``."""
    return type(hypermodel).fit is not keras_tuner.HyperModel.fit


def call_fit(
    hypermodel: Any,
    hp: Any,
    model: Any,
    data: Dataset,
    form: DataForm,
    rows: tuple[Rows, Rows],
    settings: dict[str, Any],
    has_begun: Callable[[], bool],
) -> None:
    """Calls ``fit`` as KerasTuner does: images and labels by position, ``validation_data`` and settings by keyword.

    ``rows`` are those for training and validation. Where the loss takes one-hot labels, a ``fit`` may want to make
    these itself: if it fails before it ``has_begun`` to train, it gets class numbers. Raises what ``fit`` raises.
    """
    forms = [form, replace(form, labels=Labels.NUMBERS)] if form.labels is Labels.ONE_HOT else [form]
    errors: list[Exception] = []
    for one in forms:
        training, validation = (one.arrays(data, part) for part in rows)
        try:
            return _call(hypermodel, hp, model, training, {"validation_data": validation, **settings}, has_begun)
        except Exception as error:
            errors.append(error)
            if has_begun():
                raise
    raise errors[0]


def _call(
    hypermodel: Any, hp: Any, model: Any, training: Arrays, settings: dict[str, Any], has_begun: Callable[[], bool]
) -> None:
    """KerasTuner passes on what was given to ``search``, which may or may not include ``epochs`` and ``verbose``.

    So a setting that ``fit`` does not take, or sets itself, is left out. Where it takes only keywords, images and
    labels are ``x`` and ``y``.
    """
    images: tuple[Any, ...] = training
    while True:
        try:
            hypermodel.fit(hp, model, *images, **settings)
            return
        except TypeError as error:
            about = str(error)
            misused = "multiple values" in about or "unexpected keyword" in about
            refused = next((name for name in settings if misused and f"'{name}'" in about), None)
            if has_begun():
                raise
            if refused is not None:
                del settings[refused]
            elif images and re.search(r"takes .* positional arguments? but .* given", about):
                images, settings = (), {"x": training[0], "y": training[1], **settings}
            else:
                raise


def try_fit(hypermodel: Any, hp: Any, model: Any, data: Dataset, form: DataForm) -> list[Any]:
    """Runs ``fit`` on a few images of every class without training; ``hp`` lists the hyperparameters that it used.

    Returns what each ``model.fit`` was given, comparable by ``==``. Raises what ``fit`` raises before it trains, and
    UntrainableError unless it trains its model by ``model.fit``.
    """
    rows = _few(data, data.train), _few(data, data.validation)
    attempt = _Attempt(model, float(data.images[rows[0]].max()) / form.divisor)
    settings = {"callbacks": [keras.callbacks.Callback()], "epochs": 1, "verbose": 0}
    try:
        with attempt.instead_of_training():
            call_fit(hypermodel, hp, model, data, form, rows, settings, lambda: attempt.begun)
    except _TryIsOver:
        pass
    except (Exception, SystemExit) as error:
        # once it has begun, it may only stumble over the history of a training that there was not
        if not attempt.begun or isinstance(error, UntrainableError):
            raise
    if not attempt.begun:
        raise UntrainableError(attempt.what_it_did(), "fit without model.fit")
    return attempt.fits


def _check_labels(labels: Any) -> None:
    """ValueError for labels that were one-hot before they were made so."""
    if getattr(labels, "ndim", 1) > 2:
        raise ValueError(f"labels of shape {labels.shape}; expected one-hot labels of 2 axes")


def _few(data: Dataset, rows: Rows) -> Rows:
    """The first rows of each class, in order."""
    image_bytes = 4 * int(np.prod(data.shape)) * len(data.classes)
    count = max(2, min(_PER_CLASS, _TRIED_BYTES // image_bytes))
    labels = data.labels[rows]
    return np.sort(np.concatenate([rows[labels == number][:count] for number in range(len(data.classes))]))


class _Attempt:
    """Notes what a ``fit`` would train; ``brightest`` is the largest value in the images that it is given."""

    def __init__(self, model: Any, brightest: float) -> None:
        self._model, self._brightest = model, brightest
        self.fits: list[Any] = []
        self._others = self._batches = False

    @property
    def begun(self) -> bool:
        """Whether it has called ``model.fit``."""
        return bool(self.fits)

    @contextmanager
    def instead_of_training(self) -> Iterator[None]:
        """Nothing is trained in the block, by any model."""
        signature = inspect.signature(keras.Model.fit)

        def note_fit(model: Any, *args: Any, **kwargs: Any) -> Any:
            arguments = signature.bind(model, *args, **kwargs).arguments
            self._note(model, arguments)
            return _pretended_history(model, arguments.get("epochs", 1))

        def note_batch(*args: Any, **kwargs: Any) -> float:
            self._batches = True
            return 1.0

        with replaced(keras.Model, "fit", note_fit), replaced(keras.Model, "train_on_batch", note_batch):
            yield

    def _note(self, model: Any, arguments: dict[str, Any]) -> None:
        if model is not self._model:
            self._others = True
            return
        _check_labels(arguments.get("y"))
        self._check_scale(arguments.get("x"))
        del arguments["self"]
        self.fits.append([compute_key(model), _comparable(arguments)])
        if len(self.fits) >= _MOST_FITS:
            raise _TryIsOver

    def _check_scale(self, images: Any) -> None:
        """UntrainableError for images that are not scaled as those on which the model will be validated."""
        brightest = float(np.abs(images).max(initial=0)) if isinstance(images, np.ndarray) else self._brightest
        if not self._brightest / _MOST_SCALING <= brightest <= self._brightest * _MOST_SCALING:
            raise UntrainableError(
                f"its fit() changes pixels of up to {self._brightest:.3g} into ones of up to {brightest:.3g} before it"
                " trains, which the saved model would not do; scale them in build, by a layer Rescaling",
                "fit scales the images",
            )

    def what_it_did(self) -> str:
        """Why its training cannot be followed."""
        if self._batches:
            did = "trains by train_on_batch()"
        elif self._others:
            did = "trains another model than the one that it is given"
        else:
            did = "does not call model.fit()"
        return f"its fit() {did}, so its epochs cannot be followed; train the given model by model.fit()"


class _Metrics(dict[str, list[float]]):
    """Values of whatever metric is asked for."""

    def __init__(self, epochs: int) -> None:
        super().__init__({name: [0.5] * epochs for name in ("loss", "val_loss")})
        self._epochs = epochs

    def __missing__(self, name: str) -> list[float]:
        return [0.5] * self._epochs


def _pretended_history(model: Any, epochs: Any) -> Any:
    epochs = max(1, int(epochs))
    history = keras.callbacks.History()
    history.set_model(model)
    history.epoch, history.history = list(range(epochs)), _Metrics(epochs)
    return history


def _comparable(value: Any) -> Any:
    """A form of an argument of ``fit`` that equals that of an equal argument, and nothing else."""
    if value is None or isinstance(value, bool | int | float | str | np.generic):
        return value
    if isinstance(value, np.ndarray):
        return value.shape, str(value.dtype), zlib.crc32(np.ascontiguousarray(value).tobytes())
    if isinstance(value, dict):
        return {str(key): _comparable(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_comparable(part) for part in value]
    if isinstance(value, keras.callbacks.Callback):
        parts = vars(value)
        if not any(isinstance(part, FunctionType | partial) for part in parts.values()):
            known = {key: part for key, part in parts.items() if isinstance(part, bool | int | float | str)}
            return type(value).__name__, known
    return object()  # unknown: equal to nothing


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
    def begun(self) -> bool:
        """Whether a training has begun."""
        return self._begun

    def _follow(self, *args: Any, **kwargs: Any) -> Any:
        if self._callback.ended:
            raise TrainingStopped  # all that its own fit does from here on is in vain
        arguments = self._signature.bind(*args, **kwargs).arguments
        _check_labels(arguments.get("y"))
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
        choose_compilation(self._model)
        in_arrays = isinstance(arguments.get("x"), np.ndarray)
        self._callback.batch_size = (arguments.get("batch_size") or _BATCH_SIZE) if in_arrays else None
        return self._fit(**arguments | ours)

    def _callbacks(self, given: Any) -> list[Any]:
        if isinstance(given, keras.callbacks.CallbackList):
            given = given.callbacks
        return list(given) if isinstance(given, list | tuple) else [given] if given is not None else []


def choose_compilation(model: Any) -> None:
    """Leaves out XLA where it is slower, unless the model was compiled with or without it on purpose."""
    if model.get_compile_config().get("jit_compile", "auto") == "auto":
        model.jit_compile = model.jit_compile and choose_jit() is not False
