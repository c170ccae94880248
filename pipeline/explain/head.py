"""The classification head of a graph: where the scores of the classes are, and how they become probabilities."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
from keras import layers

from pipeline.explain.explanation import Floats
from pipeline.explain.graph import Graph
from pipeline.training.keras_model import are_probabilities, to_array

_ACTIVATIONS = ("softmax", "sigmoid")


@dataclass(frozen=True)
class Head:
    """``slot`` holds the scores (logits); ``activation`` (``softmax`` or ``sigmoid``) turns them into probabilities.

    ``activation`` is "" for a model that ends in neither. If its outputs are probabilities (none is negative and they
    add up to 1), they are used as they are, else their softmax is used. A single output is the score of class 1 over
    class 0.
    """

    slot: int
    activation: str

    def scores(self, tensors: Mapping[int, Any]) -> Any:
        """A tensor (n, classes), float32. One output z becomes -z/2 and z/2, whose softmax is the sigmoid of z."""
        scores = keras.ops.cast(tensors[self.slot], "float32")
        return keras.ops.concatenate([-scores / 2, scores / 2], axis=-1) if scores.shape[-1] == 1 else scores

    def probabilities(self, tensors: Mapping[int, Any]) -> Floats:
        """The probability of each class, float32 (n, classes).

        Rows add up to 1, except for a sigmoid of several outputs, where each class has an independent probability.
        """
        scores = self.scores(tensors)
        if self.activation == "sigmoid" and tensors[self.slot].shape[-1] > 1:
            return to_array(keras.ops.sigmoid(scores))
        outputs = to_array(scores)
        if not self.activation and are_probabilities(outputs):
            return outputs
        return to_array(keras.ops.softmax(scores))


def find_head(graph: Graph, rank: int) -> Head | None:
    """The head of a graph whose output has ``rank`` axes, the batch included; None unless the output is (n, classes).

    An activation that is part of the last layer is removed from it permanently, so that the layer gives the scores.
    """
    step = graph.producer(graph.output)
    if rank != 2 or step is None:
        return None
    operation = step.operation
    if isinstance(operation, layers.Softmax) or not isinstance(operation, layers.Layer):
        name = type(operation).__name__.lower()
        return Head(step.inputs[0], name) if name in _ACTIVATIONS else Head(graph.output, "")
    name = getattr(getattr(operation, "activation", None), "__name__", "")
    if name not in _ACTIVATIONS:
        return Head(graph.output, "")
    if isinstance(operation, layers.Activation):
        return Head(step.inputs[0], name)
    operation.activation = keras.activations.linear
    return Head(graph.output, name)
