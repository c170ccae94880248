"""A model of the operations that every runtime has, as a TensorFlow function that converters take.

Two layers of Keras have no counterpart elsewhere. ``Resizing`` with antialiasing is one operation of TensorFlow's
(ScaleAndTranslate), so here it is two matrix products, which give the same. A grouped convolution is compiled by XLA on
CPUs, which makes it a call that no converter follows; here it is TensorFlow's own, which converters know, though
TensorFlow has no kernel for it on CPUs.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf
from keras import ops
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from pipeline.export.export_format import IMAGES, PROBABILITIES
from pipeline.training.save import load


class _MatrixResizing(keras.layers.Layer):  # type: ignore[misc]
    """Resizes images (n, any, any, channels) as ``keras.layers.Resizing`` with ``antialias=True`` does.

    The filter is a triangle, as wide as the distance of two pixels in the smaller of the images.
    """

    def __init__(self, height: int, width: int, **settings: Any) -> None:
        super().__init__(**settings)
        self._height, self._width = height, width

    def call(self, images: Any) -> Any:
        """One product along the rows and one along the columns."""
        _, height, width, _ = (ops.shape(images)[axis] for axis in range(4))
        rows, columns = _filters(height, self._height), _filters(width, self._width)
        return ops.einsum("qw,npwc->npqc", columns, ops.einsum("ph,nhwc->npwc", rows, images))


def _filters(size: Any, new: int) -> Any:
    """The weights (new, size) of each old pixel in each new one along an axis; each row adds up to 1."""
    step = ops.cast(size, "float32") / new
    old, centres = ops.arange(size, dtype="float32") + 0.5, (ops.arange(new, dtype="float32") + 0.5) * step
    weights = ops.relu(1 - ops.abs(old[None, :] - centres[:, None]) / ops.maximum(step, 1.0))
    return weights / ops.sum(weights, axis=1, keepdims=True)


class _PlainConv2D(keras.layers.Conv2D):  # type: ignore[misc]
    """A grouped convolution that is one operation in the graph. It is traced, never run."""

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        """Called by ``Conv2D``."""
        return tf.nn.conv2d(inputs, kernel, self.strides, self.padding.upper(), dilations=self.dilation_rate)


def portable_function(model_file: Path, half: bool = False) -> Any:
    """The function of the model in the file: float32 ``images`` of any size to ``probabilities`` (n, classes).

    Pixels are 0 to 255, or 0 to 1 with fractions. With ``half``, it computes in float16 from the first layer with
    weights on, but for softmax.
    """
    model = load(model_file)
    return _function(_rebuild(model, half))


def portable_core(model_file: Path) -> Any:
    """The function without resizing: float32 ``images`` of the network's own size, 0 to 255, to ``probabilities``."""
    model = load(model_file)
    resizing = next(layer for layer in model.layers if isinstance(layer, keras.layers.Resizing))
    return _function(_rebuild(keras.Model(resizing.output, model.output), half=False))


def _function(model: Any) -> Any:
    """A concrete function whose weights, and tensors that Keras has captured elsewhere, are constants of its graph."""
    function = tf.function(
        lambda images: {PROBABILITIES: tf.cast(model(images, training=False), tf.float32)},
        input_signature=[tf.TensorSpec(model.input_shape, tf.float32, name=IMAGES)],
    )
    return convert_variables_to_constants_v2(function.get_concrete_function())


def _rebuild(model: Any, half: bool) -> Any:
    """The model with the layers that all runtimes have, and the same weights."""
    halved = {id(layer) for layer in _halved_layers(model)} if half else set()

    def rebuild(layer: Any) -> Any:
        return _portable_layer(layer, {"dtype": "float16"} if id(layer) in halved else {})

    rebuilt = keras.models.clone_model(model, clone_function=rebuild, recursive=True)
    rebuilt.set_weights(model.get_weights())
    return rebuilt


def _portable_layer(layer: Any, changes: Mapping[str, Any]) -> Any:
    """A new layer that does the same, with ``changes`` of its settings."""
    if type(layer) is keras.layers.Resizing and _is_filtered(layer):
        return _MatrixResizing(layer.height, layer.width, name=layer.name, dtype="float32")
    is_grouped = type(layer) is keras.layers.Conv2D and layer.groups > 1
    return (_PlainConv2D if is_grouped else type(layer)).from_config({**layer.get_config(), **changes})


def _is_filtered(resizing: Any) -> bool:
    fitted = resizing.crop_to_aspect_ratio or resizing.pad_to_aspect_ratio
    return resizing.antialias and resizing.interpolation == "bilinear" and not fitted


def _halved_layers(model: Any) -> Iterator[Any]:
    """All the layers from the first one with weights on, those of nested models too, but for softmax."""
    begun = False
    for layer in _layers(model):
        begun = begun or bool(layer.weights)
        if begun and not isinstance(layer, keras.layers.Softmax):
            yield layer


def _layers(model: Any) -> Iterator[Any]:
    for layer in model.layers:
        yield from _layers(layer) if isinstance(layer, keras.Model) else [layer]
