"""A whole network without its weights: its layers, what it costs, and what tells it from others."""

from collections.abc import Hashable
from dataclasses import astuple, dataclass

from pipeline.architecture.layer import INPUT, Layer
from pipeline.architecture.memory import peak_values

_FLOAT32 = 4
"""Bytes."""


@dataclass(frozen=True)
class Architecture:
    """A network without its weights: a directed acyclic graph of layers, each after the ones it reads."""

    input_shape: tuple[int, int, int]
    classes: int
    layers: tuple[Layer, ...]

    @property
    def parameters(self) -> int:
        """Trainable parameters."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def non_trainable(self) -> int:
        """Weights that are kept but not trained."""
        return sum(layer.non_trainable for layer in self.layers)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the convolutions and dense layers for one image, forward."""
        return sum(layer.macs for layer in self.layers)

    @property
    def receptive_field(self) -> int:
        """The largest of any layer that still has a map: side in input pixels."""
        return max((layer.receptive_field or 1 for layer in self.layers), default=1)

    def memory(self, batch_size: int, optimizer_slots: int = 2) -> int:
        """Bytes that a training step needs at float32, without the libraries themselves.

        Weights, ``optimizer_slots`` values a parameter (Adam 2, SGD with momentum 1), and for each image of the batch
        the most that the backward pass holds at once (see ``peak_values``). The gradients of weights are not counted:
        each goes into its update as soon as it is made, and most of the others are made when activations are gone.
        ``bench/training_memory.py`` compares with what TensorFlow allocates.
        """
        weights = self.parameters * (1 + optimizer_slots) + self.non_trainable
        return _FLOAT32 * (weights + batch_size * peak_values(self.input_shape, self.layers))

    def key(self) -> Hashable:
        """What tells two networks apart: plain values, equal for the same network whatever its layers are called."""
        index = {INPUT: 0} | {layer.name: number for number, layer in enumerate(self.layers, start=1)}
        shapes = {INPUT: self.input_shape} | {layer.name: layer.shape for layer in self.layers}
        described = []
        for layer in self.layers:
            op = layer.op.canonical([shapes[name] for name in layer.inputs])
            described.append((type(op).__name__, *astuple(op), tuple(index[name] for name in layer.inputs)))
        return self.input_shape, self.classes, tuple(described)
