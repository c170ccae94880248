"""Gives back what TensorFlow and Keras would keep of a model that is gone."""

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import keras


@contextmanager
def forgetting() -> Iterator[None]:
    """Forgets, after the block, the models that were built and trained in it.

    TensorFlow 2.21 registers each custom gradient that it traces for good, and with it all graphs of the model: 11 MB
    a trial of small networks, 0.1 MB without (measured). There is no public way to take one back; should the private
    one go away, workers only grow again, and are replaced for it.
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
