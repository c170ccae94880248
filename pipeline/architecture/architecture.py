"""A whole network without its weights: its layers, its costs, and a key that tells it from other networks."""

from collections.abc import Hashable
from dataclasses import astuple, dataclass

from pipeline.architecture.layer import INPUT, Layer
from pipeline.architecture.memory import count_peak_values

_FLOAT32 = 4
"""Bytes."""


@dataclass(frozen=True)
class Architecture:
    """A network without its weights: a directed acyclic graph of layers, each after the layers that it reads."""

    input_shape: tuple[int, int, int]
    classes: int
    layers: tuple[Layer, ...]

    @property
    def parameters(self) -> int:
        """The number of trainable weights."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def non_trainable(self) -> int:
        """The number of weights that are kept but not trained."""
        return sum(layer.non_trainable for layer in self.layers)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the convolutions and dense layers in a forward pass of one image."""
        return sum(layer.macs for layer in self.layers)

    @property
    def receptive_field(self) -> int:
        """The largest receptive field of the layers that still have a map: its side in input pixels."""
        return max((layer.receptive_field or 1 for layer in self.layers), default=1)

    def memory(self, batch_size: int, optimizer_slots: int = 2) -> int:
        """Bytes that a training step needs at float32, without the libraries themselves.

        These are the weights, ``optimizer_slots`` values per parameter (Adam 2, SGD with momentum 1), and for each
        image of the batch the most that the backward pass holds at once (see ``count_peak_values``). The gradients of
        weights are not counted: each goes into its update as soon as it is made, and most are made when activations
        are gone. ``bench/training_memory.py`` compares this with what TensorFlow allocates.
        """
        weights = self.parameters * (1 + optimizer_slots) + self.non_trainable
        return _FLOAT32 * (weights + batch_size * count_peak_values(self.input_shape, self.layers))

    def key(self) -> Hashable:
        """Plain values that are equal exactly for equal networks, whatever their layers are called."""
        index = {INPUT: 0} | {layer.name: number for number, layer in enumerate(self.layers, start=1)}
        shapes = {INPUT: self.input_shape} | {layer.name: layer.shape for layer in self.layers}
        entries = []
        for layer in self.layers:
            op = layer.op.canonical([shapes[name] for name in layer.inputs])
            entries.append((type(op).__name__, *astuple(op), tuple(index[name] for name in layer.inputs)))
        return self.input_shape, self.classes, tuple(entries)
