"""Tries a ``fit`` of a HyperModel's own on a few images without training: what would it train, and how? In workers."""

import inspect
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from types import FunctionType
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from pipeline.data import Dataset
from pipeline.hypermodel.call_fit import Rows, call_fit
from pipeline.hypermodel.data_form import DataForm
from pipeline.hypermodel.fit_data import check_images, check_labels, measure_levels
from pipeline.hypermodel.replaced import replaced
from pipeline.hypermodel.source import UntrainableError
from pipeline.hypermodel.user_model import compute_key

_PER_CLASS = 16
"""The images of each class that a ``fit`` is tried on: enough for one of each class in a tenth of them."""
_TRIED_BYTES = 64 << 20
"""The most bytes of such images, unless two of each class are more."""
_MOST_FITS = 20
"""The calls of ``model.fit`` after which a try is over: it may go on until some metric is good enough."""


class _TryIsOver(BaseException):
    """Raised in place of one training too many. User code may catch Exception, but not this."""


def try_fit(
    hypermodel: Any, hp: Any, model: Any, data: Dataset, form: DataForm, class_weight: dict[int, float] | None
) -> tuple[list[Any], bool]:
    """Runs ``fit`` on a few images of every class without training; ``hp`` lists the hyperparameters that it used.

    Returns what each ``model.fit`` was given, comparable by ``==``, and whether ``class_weight`` was always part of it.
    Raises what ``fit`` raises before it trains, and UntrainableError unless it trains its model by ``model.fit``.
    """
    rows = _few(data, data.train), _few(data, data.validation)
    attempt = _Attempt(model, form.arrays(data, rows[0])[0], 255 / form.divisor, class_weight)
    weights = {} if class_weight is None else {"class_weight": class_weight}
    settings = {"callbacks": [keras.callbacks.Callback()], "epochs": 1, "verbose": 0, **weights}
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
    return attempt.fits, attempt.weighted


def _few(data: Dataset, rows: Rows) -> Rows:
    """The first rows of each class, in order."""
    image_bytes = 4 * int(np.prod(data.shape)) * len(data.classes)
    count = max(2, min(_PER_CLASS, _TRIED_BYTES // image_bytes))
    labels = data.labels[rows]
    return np.sort(np.concatenate([rows[labels == number][:count] for number in range(len(data.classes))]))


class _Attempt:
    """Notes what a ``fit`` would train; ``images`` are those that it is given, from 0 to ``white``.

    ``weighted`` says whether it has given ``model.fit`` the ``class_weight`` each time.
    """

    def __init__(
        self, model: Any, images: NDArray[np.float32], white: float, class_weight: dict[int, float] | None
    ) -> None:
        self._model, self._images, self._white = model, len(images), white
        self._class_weight, self.weighted = class_weight, True
        self._given = measure_levels(images, len(images))
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
        check_labels(arguments.get("y"))
        del arguments["self"]
        assert self._given is not None
        check_images(arguments.get("x"), self._images, self._given, self._white)
        self.weighted &= self._class_weight in (None, arguments.get("class_weight"))
        self.fits.append([compute_key(model), _comparable(arguments)])
        if len(self.fits) >= _MOST_FITS:
            raise _TryIsOver

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
