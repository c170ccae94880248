"""Stops an import that trains: every worker would train in silence before it does anything else. In workers."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import keras
from keras_tuner.engine.base_tuner import BaseTuner

from pipeline.hypermodel.replaced import replaced


class TrainsAtImportError(BaseException):
    """Raised by an import that begins to train. Modules may catch Exception, but not this."""


@contextmanager
def no_training() -> Iterator[None]:
    """TrainsAtImportError, saying what trains, for every ``tuner.search`` and ``model.fit`` in the block."""
    with ExitStack() as stack:
        stack.enter_context(replaced(BaseTuner, "search", _refuse("starts a search of its own")))
        for name in ("fit", "train_on_batch"):
            stack.enter_context(replaced(keras.Model, name, _refuse(f"trains a model by {name}()")))
        yield


def _refuse(what: str) -> Callable[..., None]:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise TrainsAtImportError(what)

    return refuse
