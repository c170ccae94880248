"""Grad-CAM: where in an image the evidence for a class lies. Works with every Keras backend that has gradients.

Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization", ICCV 2017.
"""

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

from pipeline.errors import ModelError
from pipeline.explain.explanation import Floats
from pipeline.explain.graph import Graph
from pipeline.explain.head import Head
from pipeline.training.keras_model import to_array


def grad_cam(graph: Graph, tensors: Mapping[int, Any], head: Head, slot: int, class_index: int) -> Floats:
    """Grad-CAM of one class for a batch of one image, at the map in ``slot``: (height, width), from 0 to 1.

    ``tensors`` are those of a run of the graph. The channels of the map are added up, each weighted by the mean
    gradient of the class's score. Negative values are evidence for other classes and become 0. All values are 0 if
    nothing is evidence for the class.
    """
    activations = keras.ops.cast(tensors[slot], "float32")
    dtype = keras.backend.standardize_dtype(tensors[slot].dtype)

    def score(activations: Any) -> Any:
        return head.scores(graph.rerun(tensors, slot, keras.ops.cast(activations, dtype)))[0, class_index]

    weights = to_array(_gradient(score, activations))[0].mean(axis=(0, 1))
    heatmap: Floats = np.maximum(to_array(activations)[0] @ weights, 0)
    return heatmap / heatmap.max() if heatmap.max() > 0 else heatmap


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
