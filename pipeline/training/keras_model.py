"""What the graph of any Keras model says: its calls, its costs, how it takes pixels and what it gives."""

import math
from collections.abc import Iterable, Iterator
from typing import Any

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

_MATRICES = (layers.Conv2D, layers.Conv2DTranspose, layers.DepthwiseConv2D, layers.SeparableConv2D, layers.Dense)
"""Layers that apply all their matrices once at each place of a map."""
_ELEMENTWISE = (layers.PReLU, layers.LayerNormalization, layers.RMSNormalization, layers.Normalization)
"""Layers whose weights of several axes are multiplied element by element."""

_MOVING = frozenset((
    "Cast", "CenterCrop", "Concatenate", "ConvertToTensor", "Cropping2D", "Flatten", "GetItem", "Identity", "Permute",
    "Reshape", "Resizing", "Transpose", "ZeroPadding2D",
))  # fmt: skip
_SCALING = frozenset(("Rescaling", "Normalization", "TrueDivide", "Divide", "Multiply", "Subtract"))
"""Layers and operations, by class, that leave the levels of pixels as they are, and that change them."""

_PROBABILITIES = 1e-3
"""How far from 1 the sum of an image's probabilities may be."""


def has_graph(model: Any) -> bool:
    """Whether Keras knows the steps of a model: one with a ``call`` of its own keeps them to itself."""
    return isinstance(model, keras.Sequential | keras.Function)


def graph(model: Any) -> Any:
    """The graph of layers alone of a model with inputs and outputs, whatever class holds it."""
    return keras.Model(model.inputs, model.outputs, name=model.name)


def calls(model: Any) -> Iterator[Any]:
    """The calls (Keras's nodes) of layers, operations and models in a model, in the order in which Keras runs them.

    Keras has no public way to them.
    """
    by_depth = (model if isinstance(model, keras.Function) else graph(model))._nodes_by_depth
    for depth in sorted(by_depth, reverse=True):
        yield from (node for node in by_depth[depth] if node.operation and not node.is_input)


def flat_calls(model: Any) -> Iterator[Any]:
    """As ``calls``, with those of the models inside in the place of these."""
    for node in calls(model):
        if has_graph(node.operation):
            yield from flat_calls(node.operation)
        else:
            yield node


def parameters(model: Any) -> int:
    """How many trainable weights there are."""
    return sum(math.prod(weight.shape) for weight in model.trainable_variables)


def call_macs(operation: Any, before: tuple[Any, ...], after: tuple[Any, ...]) -> int | None:
    """Multiply-accumulates of one call for one image; ``before`` and ``after`` are its shapes, without the batch.

    Those of convolutions and dense layers, without biases. 0 for a layer without matrices. None for one of another
    kind with matrices, and where a size is None.
    """
    matrices = [weight for weight in getattr(operation, "weights", ()) if len(weight.shape) > 1]
    if not matrices or isinstance(operation, _ELEMENTWISE):
        return 0
    places = (before if isinstance(operation, layers.Conv2DTranspose) else after)[:-1]
    channels_last = getattr(operation, "data_format", "channels_last") == "channels_last"
    if not channels_last or not isinstance(operation, _MATRICES) or None in places:
        return None
    return int(math.prod(places) * sum(math.prod(matrix.shape) for matrix in matrices))


def takes_raw_pixels(dtype: str, operations: Iterable[Any]) -> bool:
    """Whether a model wants pixels as 0 to 255: its input is of whole numbers, or it scales them itself first.

    ``operations`` are those of its calls, in order. What only moves, crops or distorts the image may come before the
    one that scales.
    """
    if keras.backend.is_int_dtype(dtype):
        return True
    names = (type(operation).__name__ for operation in operations)
    return next((name for name in names if name not in _MOVING and not name.startswith("Random")), "") in _SCALING


def are_probabilities(outputs: NDArray[np.float32]) -> bool:
    """Whether the rows of (n, classes) are probabilities: none is negative, and each adds up to 1."""
    return bool((outputs >= 0).all() and (abs(outputs.sum(axis=1) - 1) < _PROBABILITIES).all())


def array(tensor: Any) -> NDArray[np.float32]:
    """The values of a tensor of any precision."""
    return np.asarray(keras.ops.convert_to_numpy(keras.ops.cast(tensor, "float32")), np.float32)
