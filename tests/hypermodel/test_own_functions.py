"""Activation functions of other libraries."""

import keras
import pytest
import tensorflow as tf
from keras import layers, ops

from pipeline.hypermodel.own_functions import use_own_functions
from pipeline.hypermodel.source import UntrainableError


def activations(*functions):
    image = keras.Input((4,))
    nested = keras.Sequential([layers.Dense(3, activation=function) for function in functions])
    model = keras.Model(image, layers.Activation(functions[0])(nested(image)))
    use_own_functions(model)
    return [layer.activation for layer in (*nested.layers, model.layers[-1])]


def test_what_computes_the_same_becomes_keras_own():
    given = tf.nn.softmax, tf.nn.swish, tf.nn.leaky_relu, ops.relu, keras.activations.gelu, lambda x: tf.nn.relu6(x)
    own = [getattr(keras.activations, name) for name in ("softmax", "silu", "leaky_relu", "relu", "gelu", "relu6")]
    assert activations(*given) == [*own, own[0]]


def test_what_computes_something_else_is_left_or_refused_by_a_name_that_the_user_knows():
    def triple(x):
        return 3 * x

    assert activations(triple) == [triple, triple]
    with pytest.raises(UntrainableError, match=r"use keras\.activations\.gelu"):
        activations(ops.gelu)  # by default an approximation, which Keras would not load again
