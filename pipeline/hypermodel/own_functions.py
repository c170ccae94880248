"""Replaces activation functions of other libraries by Keras's own, with which the saved model loads anywhere."""

from functools import partial
from typing import Any

import keras
import numpy as np

from pipeline.hypermodel.source import UntrainableError
from pipeline.training.keras_model import to_array

_ATTRIBUTES = ("activation", "recurrent_activation")
_POINTS = np.linspace(-7, 7, 60, dtype=np.float32).reshape(5, 12)
"""Where two functions are compared: beyond 6 for relu6, on rows for softmax."""


def use_own_functions(model: Any) -> None:
    """Gives the layers of ``model``, nested ones too, Keras's own function for each that computes the same.

    ``tf.nn.softmax`` is saved as ``softmax_v2``, which Keras does not find again. UntrainableError for a function that
    is called as one of Keras's own and computes something else, as ``keras.ops.gelu`` does: it would be loaded as that.
    """
    for layer in model._flatten_layers(include_self=False):  # Keras has no public way
        for attribute in _ATTRIBUTES:
            function = getattr(layer, attribute, None)
            if callable(function) and not isinstance(function, keras.layers.Layer):
                setattr(layer, attribute, _own(function))


def _own(function: Any) -> Any:
    """Keras's own function that computes the same; ``function`` itself if there is none."""
    own = {name: value for name, value in vars(keras.activations).items() if callable(value)}
    if function in own.values():
        return function
    name = getattr(function, "__name__", "").removesuffix("_v2")
    if name in own:
        if _same(function, own[name]):
            return own[name]
        raise UntrainableError(
            f"its activation {name} is not that of Keras, as which it would be loaded; use keras.activations.{name}",
            f"another {name}",
        )
    others = (value for key, value in own.items() if key not in ("get", "serialize", "deserialize"))
    return next((other for other in others if _same(function, other)), function)


def _same(function: Any, other: Any) -> bool:
    values = partial(_values, keras.ops.convert_to_tensor(_POINTS))
    one, two = values(function), values(other)
    return one is not None and two is not None and one.shape == two.shape and bool(np.allclose(one, two, atol=1e-5))


def _values(points: Any, function: Any) -> Any:
    try:
        return to_array(function(points))
    except Exception:  # a function of something else
        return None
