"""Frees memory that TensorFlow and Keras would keep for models that are no longer used."""

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import keras


@contextmanager
def forget_models() -> Iterator[None]:
    """Forgets, after the block, the models that were built and trained in it.

    TensorFlow 2.21 registers each custom gradient that it traces, for good, and with it all graphs of the model. That
    leaves 11 MB per trial of small networks, and 0.1 MB if the gradients are removed (measured). There is no public way
    to remove one. If TensorFlow drops the private one used here, workers grow again and are replaced when too large.
    """
    gradients = _gradients()
    before = set(gradients)
    try:
        yield
    finally:
        for name in set(gradients) - before:
            del gradients[name]
        keras.utils.clear_session()


def _gradients() -> MutableMapping[str, Any]:
    if keras.backend.backend() != "tensorflow":
        return {}
    from tensorflow.python.framework import ops

    registered: MutableMapping[str, Any] = getattr(ops.gradient_registry, "_registry", {})
    return registered
