"""Imports TensorFlow without JAX, which it would import too where that is installed."""

import os
import sys
from contextlib import suppress


def import_tensorflow() -> None:
    """Imports TensorFlow if it is Keras's backend and there; JAX can be imported afterwards, by whoever wants it.

    TensorFlow 2.21 imports JAX for a converter of its models: 0.8 of the 5.1 s of processor time that a worker takes to
    start (measured).
    """
    if os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow" or "jax" in sys.modules:
        return
    sys.modules["jax"] = None  # type: ignore[assignment]
    try:
        with suppress(ImportError):
            import tensorflow  # noqa: F401
    finally:
        del sys.modules["jax"]
