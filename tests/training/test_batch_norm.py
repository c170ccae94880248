"""One operation in place of Keras's many: the same numbers, the same gradients, the same moving averages."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipeline.training.batch_norm import FusedBatchNormalization

RANDOM = np.random.default_rng(0)
KINDS = (FusedBatchNormalization, keras.layers.BatchNormalization)
WEIGHTS = [RANDOM.normal(1, 0.1, 5), RANDOM.normal(size=5), RANDOM.normal(size=5), RANDOM.uniform(1, 2, 5)]


def values(kind, images, training, **settings):
    """The outputs, the gradients and the weights afterwards."""
    layer = kind(axis=-1, momentum=0.9, **settings)
    layer.build(images.shape)
    layer.set_weights(WEIGHTS)
    images = tf.constant(images)
    with tf.GradientTape() as tape:
        tape.watch(images)
        outputs = layer(images, training=training)
        total = tf.reduce_sum(tf.cast(outputs, "float32") ** 3)
    return [outputs, *tape.gradient(total, [images, layer.gamma.value, layer.beta.value]), *layer.get_weights()]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", [(4, 6, 7, 5), (2, 1, 1, 5), (16, 5)], ids=str)
def test_everything_is_as_with_keras(shape, training):
    images = RANDOM.normal(3, 2, shape).astype("float32")
    ours, theirs = (
        values(kind, images, training) for kind in (FusedBatchNormalization, keras.layers.BatchNormalization)
    )
    for own, their in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(own, their, rtol=2e-3, atol=2e-3)


def test_a_batch_of_one_pixel_has_no_variance():
    *_, variance = values(FusedBatchNormalization, np.ones((1, 1, 1, 5), "float32"), training=True)
    np.testing.assert_allclose(variance, 0.9 * WEIGHTS[-1], rtol=1e-5)


@pytest.mark.parametrize("short", ["bfloat16", "float16"])
def test_it_computes_in_16_bits_where_asked(short):
    images = RANDOM.normal(3, 2, (4, 6, 7, 5)).astype("float32")
    ours, theirs = (values(kind, images, True, dtype=f"mixed_{short}") for kind in KINDS)
    assert ours[0].dtype == theirs[0].dtype == short
    np.testing.assert_allclose(ours[-2:], theirs[-2:], rtol=0.01)
