"""Several convolutions in place of one grouped one: the same numbers, the same gradients."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipeline.training.grouped import GroupedConv2D


def reference(images, kernel, groups):
    """Each group convolved on its own, without stride or padding, position by position."""
    n, height, width, channels = images.shape
    size, _, own, filters = kernel.shape
    result = np.zeros((n, height - size + 1, width - size + 1, filters))
    for f in range(filters):
        first = f // (filters // groups) * (channels // groups)
        for y in range(result.shape[1]):
            for x in range(result.shape[2]):
                seen = images[:, y : y + size, x : x + size, first : first + own]
                result[:, y, x, f] = (seen * kernel[..., f]).sum(axis=(1, 2, 3))
    return result


@pytest.mark.parametrize(("groups", "channels", "filters"), [(2, 4, 6), (3, 6, 3), (5, 5, 10), (8, 8, 8), (12, 24, 12)])
def test_it_convolves_each_group_on_its_own(groups, channels, filters):
    layer = GroupedConv2D(filters, 3, groups=groups, use_bias=False, data_format="channels_last")
    images = np.random.default_rng(0).normal(size=(2, 5, 4, channels)).astype("float32")
    output = layer(images)
    kernel = keras.ops.convert_to_numpy(layer.kernel)
    assert kernel.shape == (3, 3, channels // groups, filters)
    np.testing.assert_allclose(output, reference(images, kernel, groups), atol=1e-4)


def test_outputs_and_gradients_are_those_of_keras():
    images = tf.constant(np.random.default_rng(0).normal(size=(2, 6, 6, 12)).astype("float32"))
    results = []
    for kind in (GroupedConv2D, keras.layers.Conv2D):
        layer = kind(24, 3, strides=2, padding="same", groups=6, data_format="channels_last")
        layer.build(images.shape)
        kernel = np.random.default_rng(1).normal(size=layer.kernel.shape)
        layer.set_weights([kernel, np.arange(24.0)])
        with tf.GradientTape() as tape:
            tape.watch(images)
            total = tf.reduce_sum(layer(images) ** 2)
        results.append([layer(images), *tape.gradient(total, [images, layer.kernel.value, layer.bias.value])])
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-3)


def test_it_computes_in_16_bits_where_asked():
    layer = GroupedConv2D(6, 3, groups=6, dtype="mixed_bfloat16", data_format="channels_last")
    assert layer(np.ones((1, 4, 4, 6), "float32")).dtype == "bfloat16"
