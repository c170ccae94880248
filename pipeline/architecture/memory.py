"""Counts the values that a training step must hold at once, from the layers alone."""

import math
from collections.abc import Sequence
from itertools import accumulate

from pipeline.architecture.layer import INPUT, Layer
from pipeline.architecture.op import Shape
from pipeline.architecture.ops import Flatten

_WORKSPACE = 1
"""The workspace of kernels, as a multiple of the largest output."""


def count_peak_values(input_shape: Shape, layers: Sequence[Layer]) -> int:
    """The most values that the backward pass of one image holds at once, with the workspace of its kernels."""
    largest = max(math.prod(layer.shape) for layer in layers)
    return max(accumulate(_changes(input_shape, layers))) + _WORKSPACE * largest


def _changes(input_shape: Shape, layers: Sequence[Layer]) -> list[int]:
    """For each layer, how many more values are held while its gradient is computed than for the layer before it.

    An output is kept from the forward pass if it is needed for the gradient of its own layer (``keeps_output``) or of
    one that reads it (``keeps_input``). It is freed once the backward pass has finished the first of these layers.
    The gradient of an output lives from the last layer that reads it down to its own. Flatten shares its input's
    memory, and the image has no gradient.
    """
    owner, shapes = {INPUT: INPUT}, {INPUT: input_shape} | {layer.name: layer.shape for layer in layers}
    first_need: dict[str, int] = {}
    last_read: dict[str, int] = {}
    changes = [0] * (len(layers) + 1)
    for number, layer in enumerate(layers):
        read = {owner[name] for name in layer.inputs}
        last_read |= dict.fromkeys(read, number)
        owner[layer.name] = owner[layer.inputs[0]] if isinstance(layer.op, Flatten) else layer.name
        needed = (read if layer.op.keeps_input else set()) | ({owner[layer.name]} if layer.op.keeps_output else set())
        first_need = dict.fromkeys(needed, number) | first_need
        changes[number] += layer.op.keeps_beside([shapes[name] for name in layer.inputs])
    for name, number in first_need.items():
        changes[number] += math.prod(shapes[name])
    for number, layer in enumerate(layers):
        if owner[layer.name] == layer.name:
            changes[number] += math.prod(layer.shape)
            changes[last_read.get(layer.name, len(layers) - 1) + 1] -= math.prod(layer.shape)
    return changes
