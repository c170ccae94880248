"""The graph of a Keras model: calls, costs, pixels, probabilities."""

import keras
import numpy as np
import pytest
from keras import layers

from pipeline.architecture import FAMILIES
from pipeline.training.build import build_training_model
from pipeline.training.keras_model import (
    are_probabilities,
    count_macs,
    count_parameters,
    flat_calls,
)


@pytest.mark.parametrize(
    ("layer", "macs"),
    [
        (layers.Conv2D(6, 3, groups=3, strides=2, padding="same"), 5 * 4 * 9 * 1 * 6),
        (layers.DepthwiseConv2D(3, depth_multiplier=2), 7 * 5 * 9 * 6),
        (layers.SeparableConv2D(4, 3, padding="same"), 9 * 7 * (9 * 3 + 3 * 4)),
        (layers.Conv2DTranspose(2, 3, strides=2), 9 * 7 * 9 * 3 * 2),
        (layers.Dense(5), 9 * 7 * 3 * 5),
        (layers.BatchNormalization(), 0),
        (layers.PReLU(), 0),
        (layers.LayerNormalization(axis=(1, 2, 3)), 0),
        (layers.Normalization(axis=(1, 2, 3)), 0),
        (layers.MaxPooling2D(), 0),
        (layers.TimeDistributed(layers.Conv1D(2, 3)), None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_multiply_accumulates_of_a_layer(layer, macs):
    model = keras.Sequential([keras.Input((9, 7, 3)), layer])
    assert count_macs(layer, (9, 7, 3), model.output_shape[1:]) == macs
    assert count_macs(layer, (None, 7, 3), (None, *model.output_shape[2:])) == (0 if macs == 0 else None)


CONFIGURATIONS = [(family, {}) for family in FAMILIES] + [
    ("plain", {"groups_2": 4, "stride_1": 2, "pool": "average", "padding": "valid", "blocks": 2, "norm": "none"}),
    ("inception", {"stem_pool": "max", "stem_reduce": 8, "stem_expand": 12}),
    ("residual", {"block": "bottleneck", "cardinality": 4, "group_width": 32, "projection": "pooled", "order": "pre"}),
]


@pytest.mark.parametrize(("family", "params"), CONFIGURATIONS, ids=str)
def test_costs_are_those_that_the_architecture_knows_without_keras(family, params):
    architecture = FAMILIES[family].build(params, (36, 32, 3), 10)
    model = build_training_model(architecture, scale=[1.0] * 3, offset=[0.0] * 3)
    macs = [
        count_macs(call.operation, call.input_tensors[0].shape[1:], call.outputs[0].shape[1:])
        for call in flat_calls(model)
    ]
    assert sum(macs) == architecture.macs
    assert count_parameters(model) == architecture.parameters


def test_calls_of_models_within_models_are_in_their_order():
    inner = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(2, 3, name="one"), layers.ReLU(name="two")])
    image = keras.Input((8, 8, 3))
    model = keras.Model(image, layers.Dense(2, name="three")(inner(image)))
    assert [call.operation.name for call in flat_calls(model)] == ["one", "two", "three"]
    assert count_parameters(model) == 2 * 3 * 9 + 2 + 2 * 2 + 2


@pytest.mark.parametrize(("rows", "so"), [([[0.3, 0.7], [0, 1]], True), ([[0.3, 0.6]], False), ([[-0.5, 1.5]], False)])
def test_probabilities_are_not_negative_and_add_up_to_one(rows, so):
    assert are_probabilities(np.array(rows, np.float32)) == so
