"""Reads the graph of any Keras model: its calls, its costs, and whether it gives probabilities."""

import math
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

_MATRIX_LAYERS = (layers.Conv2D, layers.Conv2DTranspose, layers.DepthwiseConv2D, layers.SeparableConv2D, layers.Dense)
"""Layers that apply each of their matrices once at each position of a map."""

_ELEMENTWISE_LAYERS = (layers.PReLU, layers.LayerNormalization, layers.RMSNormalization, layers.Normalization)
"""Layers whose weights may have several axes but are multiplied element by element."""

_SUM_TOLERANCE = 0.01
"""How far from 1 the sum of an image's probabilities may be; sums in bfloat16 are up to 0.0054 away (measured)."""


def has_graph(model: Any) -> bool:
    """Whether Keras knows the steps of a model; it does not if the model has a ``call`` of its own."""
    return isinstance(model, keras.Sequential | keras.Function)


def graph(model: Any) -> Any:
    """The plain functional model of a model with inputs and outputs, without the class that holds it."""
    return keras.Model(model.inputs, model.outputs, name=model.name)


def calls(model: Any) -> Iterator[Any]:
    """The calls (Keras's nodes) of layers, operations and nested models, in the order in which Keras runs them.

    Keras has no public API for them.
    """
    by_depth = (model if isinstance(model, keras.Function) else graph(model))._nodes_by_depth
    for depth in sorted(by_depth, reverse=True):
        yield from (node for node in by_depth[depth] if node.operation and not node.is_input)


def flat_calls(model: Any) -> Iterator[Any]:
    """The calls of a model, with the calls inside a nested model in place of the call of that model."""
    for node in calls(model):
        if has_graph(node.operation):
            yield from flat_calls(node.operation)
        else:
            yield node


def count_parameters(model: Any) -> int:
    """The number of trainable weights."""
    return sum(math.prod(weight.shape) for weight in model.trainable_variables)


def count_macs(operation: Any, before: tuple[Any, ...], after: tuple[Any, ...]) -> int | None:
    """Multiply-accumulates of one call for one image, without those of biases.

    ``before`` and ``after`` are the shapes of its input and output without the batch axis. 0 for a layer without
    matrices. None for a layer with matrices that is not a convolution or dense layer, and if a size is None.
    """
    matrices = [weight for weight in getattr(operation, "weights", ()) if len(weight.shape) > 1]
    if not matrices or isinstance(operation, _ELEMENTWISE_LAYERS):
        return 0
    positions = (before if isinstance(operation, layers.Conv2DTranspose) else after)[:-1]
    channels_last = getattr(operation, "data_format", "channels_last") == "channels_last"
    if not channels_last or not isinstance(operation, _MATRIX_LAYERS) or None in positions:
        return None
    return int(math.prod(positions) * sum(math.prod(matrix.shape) for matrix in matrices))


def are_probabilities(outputs: NDArray[np.float32]) -> bool:
    """Whether the rows of (n, classes) are probabilities: none is negative, and each row adds up to 1."""
    return bool((outputs >= 0).all() and (abs(outputs.sum(axis=1) - 1) < _SUM_TOLERANCE).all())


def as_probabilities(outputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Outputs (n, classes), through a softmax unless they are probabilities."""
    return outputs if are_probabilities(outputs) else to_array(keras.ops.softmax(outputs))


def to_array(tensor: Any) -> NDArray[np.float32]:
    """The values of a tensor of any precision and backend."""
    return np.asarray(keras.ops.convert_to_numpy(keras.ops.cast(tensor, "float32")), np.float32)
