"""Predicts how long a forward pass of one image takes from its layers and a calibration on this machine."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

from pipeline.architecture.architecture import Architecture
from pipeline.architecture.layer import INPUT, Layer
from pipeline.architecture.op import Shape
from pipeline.architecture.ops import Conv, Dense, Dropout, Flatten

FEATURES: Mapping[str, str] = MappingProxyType(
    {
        "calls": "always 1: the time of the smallest network",
        "layers": "layers that compute something in a forward pass",
        "values": "values that all layers write",
        "dense_macs": "multiply-accumulates of fully connected layers, which is also the weights they read",
        "pointwise_macs": "multiply-accumulates of 1x1 convolutions without groups",
        "conv_macs": "multiply-accumulates of larger convolutions without groups",
        "conv_weights": "weights that convolutions without groups read",
        "windows": "values that convolutions without groups gather: each input of a kernel at each position",
        "grouped": "convolutions with groups",
        "grouped_macs": "multiply-accumulates of convolutions with groups",
        "grouped_weights": "weights that convolutions with groups read",
        "grouped_windows": "values that convolutions with groups gather",
        "grouped_patches": "grouped_windows over the channels of a group: how often a small window is begun",
    }
)
"""The features whose weighted sum is the time of a network.

Grouped convolutions stand apart: TensorFlow has no kernel for them on CPUs, and Keras has XLA compile each one. With
4 channels per group one MAC takes 0.4 ns, elsewhere 0.01 ns (measured).
"""


def count_features(architecture: Architecture) -> dict[str, float]:
    """The ``FEATURES`` of a forward pass of one image."""
    shapes = {INPUT: architecture.input_shape} | {layer.name: layer.shape for layer in architecture.layers}
    counts = dict.fromkeys(FEATURES, 0.0) | {"calls": 1.0}
    for layer in architecture.layers:
        for name, count in _layer_features(layer, shapes[layer.inputs[0]]):
            counts[name] += count
    return counts


def _layer_features(layer: Layer, shape: Shape) -> Iterator[tuple[str, float]]:
    op = layer.op
    if isinstance(op, Dropout | Flatten):  # neither computes nor moves anything
        return
    yield "layers", 1
    yield "values", math.prod(layer.shape)
    if isinstance(op, Dense):
        yield "dense_macs", layer.macs
    if isinstance(op, Conv):
        patches = math.prod(layer.shape[:2]) * op.kernel**2
        if op.groups == 1:
            yield "pointwise_macs" if op.kernel == 1 else "conv_macs", layer.macs
            yield "conv_weights", layer.parameters
            yield "windows", patches * shape[-1]
        else:
            yield "grouped", 1
            yield "grouped_macs", layer.macs
            yield "grouped_weights", layer.parameters
            yield "grouped_windows", patches * shape[-1]
            yield "grouped_patches", patches * op.groups


@dataclass(frozen=True)
class LatencyModel:
    """Predicts the milliseconds of a forward pass of one image: a weighted sum of ``FEATURES``.

    ``weights`` are milliseconds per unit, each 0 or more, so no prediction falls when a feature grows. ``device``
    (``gpu`` or ``cpu``) and ``backend`` (Keras's) say where they were measured.
    """

    weights: Mapping[str, float]
    device: str
    backend: str

    def predict(self, architecture: Architecture) -> float:
        """Milliseconds for one image."""
        return sum(self.weights[name] * count for name, count in count_features(architecture).items())

    def as_dict(self) -> dict[str, Any]:
        """The model as plain values for JSON."""
        return {**asdict(self), "weights": dict(self.weights)}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "LatencyModel":
        """The reverse of ``as_dict``; ValueError or TypeError for anything else."""
        weights = plain.get("weights")
        if not isinstance(weights, dict) or weights.keys() != FEATURES.keys():
            raise ValueError(f"expected a weight for each of {', '.join(FEATURES)}")
        return cls(**{**plain, "weights": {name: float(weight) for name, weight in weights.items()}})
