"""Turns an architecture into Keras models: one to train, and one of Keras's own layers that loads without convtune."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras

from pipeline.architecture import Architecture
from pipeline.architecture.layer import INPUT, LOGITS, Layer
from pipeline.architecture.op import Op
from pipeline.architecture.ops import (
    Activation,
    Add,
    BatchNorm,
    Concat,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool,
    Pool,
)
from pipeline.training.batch_norm import FusedBatchNormalization, normalisation_is_slow
from pipeline.training.grouped import GroupedConv2D, groups_are_slow
from pipeline.training.pixels import as_raw_pixels

_CHANNELS_LAST = "channels_last"
"""Passed to every layer that takes a data format, since the user's keras.json may have another default."""


def build_training_model(architecture: Architecture, *, scale: Sequence[float], offset: Sequence[float]) -> Any:
    """The functional ``keras.Model`` of ``architecture``, with fresh weights from Keras's current seed.

    It takes images as uint8 (n, height, width, channels) and computes pixel * scale + offset in float32, with one
    scale and one offset per channel. It returns float32 logits (n, classes), even under a mixed-precision policy. Its
    layers have the names that they have in the architecture. It must not be saved (see ``GroupedConv2D``).
    """
    image = keras.Input(architecture.input_shape, dtype="uint8", name=INPUT)
    return keras.Model(image, _logits(architecture, image, scale, offset, _trained_layer))


def build_inference_model(architecture: Architecture, *, scale: Sequence[float], offset: Sequence[float]) -> Any:
    """The model that users get, from images of any size to probabilities.

    It takes (n, height, width, channels), with pixels as ``as_raw_pixels`` takes them, and returns float32
    (n, classes). It resizes with the filter that resized the training images, and ends in a softmax. Its weights have
    the order and the shapes of those of ``build_training_model``, so they can be copied.
    """
    height, width, channels = architecture.input_shape
    image = keras.Input((None, None, channels), dtype="float32", name=INPUT)
    resizing = keras.layers.Resizing(
        height, width, antialias=True, data_format=_CHANNELS_LAST, dtype="float32", name="resizing"
    )
    logits = _logits(architecture, resizing(as_raw_pixels(image)), scale, offset, keras_layer)
    return keras.Model(image, keras.layers.Softmax(dtype="float32", name="probabilities")(logits))


def _logits(
    architecture: Architecture,
    image: Any,
    scale: Sequence[float],
    offset: Sequence[float],
    make: Callable[[Layer], Any],
) -> Any:
    # Scale and offset as (1, 1, channels): Keras would move flat ones to the first axis under channels_first.
    rescaling = keras.layers.Rescaling([[list(scale)]], [[list(offset)]], dtype="float32", name="rescaling")
    tensors = {INPUT: rescaling(image)}
    for layer in architecture.layers:
        inputs = [tensors[name] for name in layer.inputs]
        tensors[layer.name] = make(layer)(inputs if len(inputs) > 1 else inputs[0])
    return tensors[LOGITS]


def keras_layer(layer: Layer) -> Any:
    """The Keras layer for ``layer``, not built yet."""
    return _LAYERS[type(layer.op)](layer.op, name=layer.name, dtype="float32" if layer.name == LOGITS else None)


def _trained_layer(layer: Layer) -> Any:
    if isinstance(layer.op, Conv) and layer.op.groups > 1 and groups_are_slow():
        return _conv(layer.op, GroupedConv2D, name=layer.name)
    if isinstance(layer.op, BatchNorm) and normalisation_is_slow():
        return _batch_norm(layer.op, FusedBatchNormalization, name=layer.name)
    return keras_layer(layer)


def _conv(op: Conv, kind: Callable[..., Any] = keras.layers.Conv2D, **settings: Any) -> Any:
    """Draws the initial weights as in He et al., "Delving Deep into Rectifiers", ICCV 2015.

    They suit nonlinearities that pass about half of their inputs, as the ones here do.
    """
    return kind(
        op.filters,
        op.kernel,
        strides=op.stride,
        padding=op.padding,
        groups=op.groups,
        use_bias=op.bias,
        kernel_initializer="he_normal",
        data_format=_CHANNELS_LAST,
        **settings,
    )


def _batch_norm(op: BatchNorm, kind: Callable[..., Any] = keras.layers.BatchNormalization, **settings: Any) -> Any:
    """Chooses a momentum with which the moving averages settle within tens of steps, as in PyTorch.

    With Keras's own momentum of 0.99, the validation accuracy on a small dataset stays near chance for several epochs,
    and pruners end the deepest networks first. In its first three epochs, a small ResNet on 3,500 digits reached
    accuracies of 0.10, 0.32 and 0.78 with 0.99, and of 0.63, 0.93 and 0.92 with 0.9 (measured).
    """
    return kind(axis=-1, momentum=0.9, **settings)


def _pool(op: Pool, **settings: Any) -> Any:
    kinds = {"max": keras.layers.MaxPooling2D, "average": keras.layers.AveragePooling2D}
    return kinds[op.kind](op.size, strides=op.stride, padding=op.padding, data_format=_CHANNELS_LAST, **settings)


def _global_average_pool(op: GlobalAveragePool, **settings: Any) -> Any:
    return keras.layers.GlobalAveragePooling2D(data_format=_CHANNELS_LAST, **settings)


_LAYERS: Mapping[type[Op], Callable[..., Any]] = {
    Conv: _conv,
    Pool: _pool,
    GlobalAveragePool: _global_average_pool,
    BatchNorm: _batch_norm,
    Activation: lambda op, **settings: keras.layers.Activation(op.kind, **settings),
    Dropout: lambda op, **settings: keras.layers.Dropout(op.rate, **settings),
    Flatten: lambda op, **settings: keras.layers.Flatten(data_format=_CHANNELS_LAST, **settings),
    Dense: lambda op, **settings: keras.layers.Dense(op.units, **settings),
    Add: lambda op, **settings: keras.layers.Add(**settings),
    Concat: lambda op, **settings: keras.layers.Concatenate(axis=-1, **settings),
}
