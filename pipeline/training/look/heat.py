"""Grad-CAM: where in an image the evidence for a class lies, under any Keras backend with gradients.

Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization", ICCV 2017.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import layers

from pipeline.errors import ModelError
from pipeline.training.keras_model import are_probabilities, array
from pipeline.training.look.graph import Graph
from pipeline.training.look.seen import Floats

_ENDS = ("softmax", "sigmoid")


@dataclass(frozen=True)
class Head:
    """The slot of the scores (logits), and what makes shares of them: ``softmax`` or ``sigmoid``.

    ``end`` is "" for a model that ends in neither: its outputs are shares if they look it (none is negative and they
    add up to 1), else their softmax is. One output alone is the score of class 1 over class 0.
    """

    slot: int
    end: str

    def scores(self, values: Mapping[int, Any]) -> Any:
        """A tensor (n, classes), float32. One output z is -z/2 and z/2: the softmax of these is the sigmoid of z."""
        scores = keras.ops.cast(values[self.slot], "float32")
        return keras.ops.concatenate([-scores / 2, scores / 2], axis=-1) if scores.shape[-1] == 1 else scores

    def shares(self, values: Mapping[int, Any]) -> Floats:
        """What each class gets, float32 (n, classes)."""
        scores = self.scores(values)
        if self.end == "sigmoid" and values[self.slot].shape[-1] > 1:
            return array(keras.ops.sigmoid(scores))
        plain = array(scores)
        if not self.end and are_probabilities(plain):
            return plain
        return array(keras.ops.softmax(scores))


def head(graph: Graph, rank: int) -> Head | None:
    """The head of a graph whose output has ``rank`` axes, the batch included; None unless it is one of classes.

    An activation that is part of the last layer is taken off it, for good: the scores are what it was given.
    """
    step = graph.source(graph.output)
    if rank != 2 or step is None:
        return None
    operation = step.operation
    if isinstance(operation, layers.Softmax) or not isinstance(operation, layers.Layer):
        end = type(operation).__name__.lower()
        return Head(step.inputs[0], end) if end in _ENDS else Head(graph.output, "")
    end = getattr(getattr(operation, "activation", None), "__name__", "")
    if end not in _ENDS:
        return Head(graph.output, "")
    if isinstance(operation, layers.Activation):
        return Head(step.inputs[0], end)
    operation.activation = keras.activations.linear
    return Head(graph.output, end)


def heat(graph: Graph, values: Mapping[int, Any], head: Head, slot: int, position: int) -> Floats:
    """Grad-CAM of the class at ``position`` for a batch of one image, at the map in ``slot``: (height, width), 0 to 1.

    The channels of the map are added up with the mean gradients of the class's score as weights; what is negative
    speaks for other classes and is 0. All is 0 where nothing speaks for the class.
    """
    start = keras.ops.cast(values[slot], "float32")
    dtype = keras.backend.standardize_dtype(values[slot].dtype)

    def score(found: Any) -> Any:
        return head.scores(graph.again(dict(values), slot, keras.ops.cast(found, dtype)))[0, position]

    slopes, maps = array(_gradient(score, start))[0], array(start)[0]
    found: Floats = np.maximum(maps @ slopes.mean(axis=(0, 1)), 0)
    return found / found.max() if found.max() > 0 else found


def _gradient(function: Callable[[Any], Any], at: Any) -> Any:
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(at)
            value = function(at)
        return tape.gradient(value, at, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    if backend == "jax":
        import jax

        return jax.grad(function)(at)
    if backend == "torch":
        import torch

        at = at.detach().requires_grad_()
        return torch.autograd.grad(function(at), at)[0]
    raise ModelError(f"KERAS_BACKEND={backend}: this backend has no gradients; set tensorflow, jax or torch")
