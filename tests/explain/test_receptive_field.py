"""Receptive fields, held against the architecture and against gradients."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipeline.architecture import FAMILIES
from pipeline.explain.explained_model import shapes
from pipeline.explain.graph import flatten
from pipeline.explain.receptive_field import is_map, receptive_field
from pipeline.training.build import build_training_model


def trace(model):
    """The steps of a model and the shapes on the way."""
    graph = flatten(model)
    size = [side or 1 for side in model.input_shape[1:]]
    return graph, shapes(graph.run(keras.ops.zeros((1, *size), model.inputs[0].dtype)))


CONFIGURATIONS = [(family, {}) for family in FAMILIES] + [
    ("plain", {"blocks": 2, "convs_1": 2, "stride_1": 2, "kernel_2": 5, "pool_1": "average", "padding_2": "valid"}),
    ("residual", {"block": "bottleneck", "projection": "pooled", "order": "pre"}),
]


@pytest.mark.parametrize(("family", "params"), CONFIGURATIONS, ids=str)
def test_the_size_is_that_of_the_architecture(family, params):
    architecture = FAMILIES[family].build(params, (40, 40, 3), 10)
    graph, map_shapes = trace(build_training_model(architecture, scale=[1.0] * 3, offset=[0.0] * 3))
    slots = {step.name: step.outputs[0] for step in graph.steps}
    maps = [layer for layer in architecture.layers if len(layer.shape) == 3]
    assert maps
    for layer in maps[:: max(1, len(maps) // 12)]:
        height, width, _ = layer.shape
        (rows, columns), unknown = receptive_field(
            graph.steps, map_shapes, slots[layer.name], (height // 2, width // 2), clip=False
        )
        size = rows[1] - rows[0] + 1, columns[1] - columns[0] + 1
        assert size == (layer.receptive_field, layer.receptive_field), layer
        assert unknown == ()


def winding():
    """Even kernels, dilation, strides, both paddings, crops and branches; every weight counts."""
    ones = {"kernel_initializer": "ones", "use_bias": False}
    image = keras.Input((21, 17, 1))
    start = keras.layers.ZeroPadding2D(((0, 2), (1, 0)))(image)
    start = keras.layers.Conv2D(2, (3, 2), strides=2, padding="same", **ones)(start)
    wide = keras.layers.Conv2D(2, 3, dilation_rate=2, padding="same", **ones)(start)
    deep = keras.layers.AveragePooling2D(3, 1, "same")(keras.layers.DepthwiseConv2D(2, padding="same",
        depthwise_initializer="ones")(start))  # fmt: skip
    both = keras.layers.Concatenate()([wide, deep])
    both = keras.layers.Cropping2D(((1, 0), (0, 1)))(keras.layers.ReLU()(both))
    return keras.Model(image, keras.layers.Conv2D(1, 2, strides=(1, 2), **ones)(both))


def test_the_box_is_where_the_gradient_is():
    model = winding()
    graph, map_shapes = trace(model)
    image = tf.ones((1, 21, 17, 1))
    height, width, _ = map_shapes[graph.output]
    for unit in [(0, 0), (height - 1, width - 1), (height // 2, width // 2), (0, width - 1), (height - 1, 0)]:
        with tf.GradientTape() as tape:
            tape.watch(image)
            value = model(image)[0, unit[0], unit[1], 0]
        rows, columns = np.nonzero(tape.gradient(value, image)[0, :, :, 0])
        seen = (rows.min(), rows.max()), (columns.min(), columns.max())
        assert receptive_field(graph.steps, map_shapes, graph.output, unit) == (seen, ())


def test_a_layer_without_a_known_rule_sees_everything_and_is_named():
    image = keras.Input((8, 8, 2))
    inner = keras.layers.Conv2D(2, 3, name="conv")(image)
    odd = keras.layers.GroupNormalization(1, name="odd")(inner)
    graph, map_shapes = trace(keras.Model(image, keras.layers.Conv2D(2, 1)(odd)))
    assert receptive_field(graph.steps, map_shapes, graph.output, (3, 3)) == (((0, 7), (0, 7)), ("odd",))


def test_a_squeeze_sees_everything():
    image = keras.Input((8, 8, 2))
    inner = keras.layers.Conv2D(2, 3, padding="same")(image)
    mean = keras.layers.Dense(2)(keras.layers.GlobalAveragePooling2D(keepdims=True)(inner))
    graph, map_shapes = trace(keras.Model(image, keras.layers.Multiply()([inner, mean])))
    assert is_map(map_shapes[graph.output])
    assert receptive_field(graph.steps, map_shapes, graph.output, (3, 3)) == (((0, 7), (0, 7)), ())


@pytest.mark.parametrize("antialias", [False, True])
def test_resizing_keeps_the_place(antialias):
    image = keras.Input((40, 20, 1))
    model = keras.Model(image, keras.layers.Conv2D(1, 1)(keras.layers.Resizing(10, 10, antialias=antialias)(image)))
    graph, map_shapes = trace(model)
    pixels = tf.ones((1, 40, 20, 1))
    with tf.GradientTape() as tape:
        tape.watch(pixels)
        value = model(pixels)[0, 5, 5, 0]
    rows, columns = np.nonzero(tape.gradient(value, pixels)[0, :, :, 0])
    box, unknown = receptive_field(graph.steps, map_shapes, graph.output, (5, 5))
    assert unknown == ()
    for (first, last), seen in zip(box, (rows, columns), strict=True):
        assert first <= seen.min() <= seen.max() <= last
        assert last - first <= seen.max() - seen.min() + 4


def test_a_sequential_model_that_is_called_within_another():
    """Keras puts an operation of its own in front of it, and so do models of KerasTuner in their wrapper."""
    inner = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(1, 3)])
    image = keras.Input((8, 8, 1))
    graph, map_shapes = trace(keras.Model(image, inner(keras.ops.convert_to_tensor(image))))
    assert receptive_field(graph.steps, map_shapes, graph.output, (2, 3)) == (((2, 4), (3, 5)), ())
