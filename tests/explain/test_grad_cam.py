"""Grad-CAM, on a network whose answer is known."""

import keras
import numpy as np
import pytest

from pipeline.explain.grad_cam import grad_cam
from pipeline.explain.graph import flatten
from pipeline.explain.head import find_head
from tests.explain.nets import spots, two_spots

RED, GREEN = np.zeros((4, 4)), np.zeros((4, 4))
RED[0, 0], RED[1, 1], GREEN[3, 3] = 1, 0.5, 1


def explain(model):
    """The probabilities of the spots, and Grad-CAM of both classes at the convolution."""
    graph = flatten(model)
    head = find_head(graph, len(model.output_shape))
    tensors = graph.run(keras.ops.convert_to_tensor(spots()))
    slot = next(step.outputs[0] for step in graph.steps if step.name == "conv")
    return head.probabilities(tensors), [grad_cam(graph, tensors, head, slot, index) for index in (0, 1)]


@pytest.mark.parametrize("end", ["softmax", "sigmoid", "layer", "scores"])
def test_the_heatmap_of_a_class_is_where_its_evidence_is(end):
    probabilities, (red, green) = explain(two_spots(end))
    np.testing.assert_allclose(red, RED, atol=1e-6)
    np.testing.assert_allclose(green, GREEN, atol=1e-6)
    means = np.array([1.5, 0.75])  # of the map, times 16
    expected = 1 / (1 + np.exp(-means)) if end == "sigmoid" else np.exp(means) / np.exp(means).sum()
    np.testing.assert_allclose(probabilities, [expected], rtol=1e-5)


def test_one_output_is_evidence_for_one_class_and_against_the_other():
    model = two_spots("one")
    expected = model.predict_on_batch(spots())[0, 0]
    probabilities, (red, green) = explain(model)
    np.testing.assert_allclose(probabilities, [[1 - expected, expected]], rtol=1e-5)
    np.testing.assert_allclose(red, RED, atol=1e-6)
    np.testing.assert_allclose(green, GREEN, atol=1e-6)


def test_the_heatmap_is_zero_where_everything_is_evidence_against_the_class():
    model = two_spots()
    model.get_layer("dense").set_weights([np.array([[1.0, -1.0], [1.0, -1.0]]), np.zeros(2)])
    _, (for_all, for_none) = explain(model)
    assert for_all.max() == 1
    assert for_none.max() == 0
