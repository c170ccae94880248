"""Grad-CAM and shares, on a network whose answer is known."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from pipeline.training.look.graph import flatten
from pipeline.training.look.heat import head, heat
from tests.training.look.nets import spots, two_spots

RED, GREEN = np.zeros((4, 4)), np.zeros((4, 4))
RED[0, 0], RED[1, 1], GREEN[3, 3] = 1, 0.5, 1


def taken(model):
    """The graph, its values for the spots and its head; and Grad-CAM of both classes at the convolution."""
    graph = flatten(model)
    found = head(graph, len(model.output_shape))
    values = graph.run(keras.ops.convert_to_tensor(spots()))
    slot = next(step.outputs[0] for step in graph.steps if step.name == "conv")
    return found.shares(values), [heat(graph, values, found, slot, position) for position in (0, 1)]


@pytest.mark.parametrize("end", ["softmax", "sigmoid", "layer", "scores"])
def test_the_heat_of_a_class_is_where_its_evidence_is(end):
    shares, (red, green) = taken(two_spots(end))
    np.testing.assert_allclose(red, RED, atol=1e-6)
    np.testing.assert_allclose(green, GREEN, atol=1e-6)
    means = np.array([1.5, 0.75])  # of the map, times 16
    expected = 1 / (1 + np.exp(-means)) if end == "sigmoid" else np.exp(means) / np.exp(means).sum()
    np.testing.assert_allclose(shares, [expected], rtol=1e-5)


def test_one_output_speaks_for_one_class_and_against_the_other():
    model = two_spots("one")
    expected = model.predict_on_batch(spots())[0, 0]
    shares, (red, green) = taken(model)
    np.testing.assert_allclose(shares, [[1 - expected, expected]], rtol=1e-5)
    np.testing.assert_allclose(red, RED, atol=1e-6)
    np.testing.assert_allclose(green, GREEN, atol=1e-6)


def test_nothing_speaks_for_a_class_that_everything_speaks_against():
    model = two_spots()
    model.get_layer("dense").set_weights([np.array([[1.0, -1.0], [1.0, -1.0]]), np.zeros(2)])
    _, (for_all, for_none) = taken(model)
    assert for_all.max() == 1
    assert for_none.max() == 0


def test_outputs_that_are_shares_already_stay_as_they_are():
    image = keras.Input((2, 2, 1))
    powers = keras.ops.exp(keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(2, 1)(image)))
    model = keras.Model(image, powers / keras.ops.sum(powers, axis=-1, keepdims=True))
    graph, pixels = flatten(model), np.random.default_rng(0).random((3, 2, 2, 1), np.float32)
    found = head(graph, 2).shares(graph.run(keras.ops.convert_to_tensor(pixels)))
    np.testing.assert_allclose(found, model.predict_on_batch(pixels), rtol=1e-5)


def test_a_model_without_classes_has_no_head():
    image = keras.Input((4, 4, 1))
    model = keras.Model(image, keras.layers.Conv2D(2, 1)(image))
    assert head(flatten(model), len(model.output_shape)) is None


@pytest.mark.slow
def test_jax_agrees():
    code = (
        "from tests.training.look.test_heat import *; _, found = taken(two_spots()); print(np.round(found, 5).tolist())"
    )
    root = Path(__file__).resolve().parents[3]
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=root,
        env=os.environ | {"KERAS_BACKEND": "jax", "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stdout.splitlines()[-1:] == [str([RED.tolist(), GREEN.tolist()])], ran.stderr
