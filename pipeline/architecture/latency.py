"""How long a forward pass of one image takes, predicted from the layers by what a calibration measured."""

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
        "calls": "1: what the smallest network takes",
        "layers": "layers that compute something in a forward pass",
        "values": "values that all layers write",
        "dense_macs": "multiply-accumulates of fully connected layers, which is also the weights they read",
        "pointwise_macs": "multiply-accumulates of 1x1 convolutions without groups",
        "conv_macs": "those of larger ones",
        "conv_weights": "weights that convolutions without groups read",
        "windows": "values that they gather: each input of a kernel at each position",
        "grouped": "convolutions with groups",
        "grouped_macs": "their multiply-accumulates",
        "grouped_weights": "weights that they read",
        "grouped_windows": "values that they gather",
        "grouped_patches": "the same divided by the channels of a group: how often a small window is begun",
    }
)
"""What the time of a network is a sum over. Grouped convolutions stand apart: TensorFlow has no kernel for them on CPUs
and Keras has XLA compile each; with 4 channels a group one MAC takes 0.4 ns, elsewhere 0.01 (measured)."""


def features(architecture: Architecture) -> dict[str, float]:
    """The features of one forward pass of one image."""
    shapes = {INPUT: architecture.input_shape} | {layer.name: layer.shape for layer in architecture.layers}
    found = dict.fromkeys(FEATURES, 0.0) | {"calls": 1.0}
    for layer in architecture.layers:
        for name, amount in _features(layer, shapes[layer.inputs[0]]):
            found[name] += amount
    return found


def _features(layer: Layer, shape: Shape) -> Iterator[tuple[str, float]]:
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
    """Milliseconds of a forward pass of one image: a weighted sum of ``FEATURES``, which grows with each of them.

    ``weights`` are milliseconds a unit, 0 or more; ``device`` (``gpu`` or ``cpu``) and ``backend`` (Keras's) say where
    they were measured.
    """

    weights: Mapping[str, float]
    device: str
    backend: str

    def predict(self, architecture: Architecture) -> float:
        """Milliseconds for one image."""
        return sum(self.weights[name] * amount for name, amount in features(architecture).items())

    def as_dict(self) -> dict[str, Any]:
        """The model as plain values, for a file."""
        return {**asdict(self), "weights": dict(self.weights)}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "LatencyModel":
        """The model of ``as_dict``; ValueError or TypeError for anything else."""
        weights = plain.get("weights")
        if not isinstance(weights, dict) or weights.keys() != FEATURES.keys():
            raise ValueError(f"expected a weight for each of {', '.join(FEATURES)}")
        return cls(**{**plain, "weights": {name: float(weight) for name, weight in weights.items()}})
