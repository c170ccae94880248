"""Turns an architecture into a Keras model of Keras's own layers, so that it loads where convtune is not installed."""

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
from pipeline.training.grouped import GroupedConv2D, slow_groups

# Said everywhere, because a keras.json at home may say otherwise.
_CHANNELS_LAST = "channels_last"


def build(architecture: Architecture, *, scale: Sequence[float], offset: Sequence[float]) -> Any:
    """The functional ``keras.Model`` of ``architecture``, with fresh weights from Keras's current seed.

    It takes images as uint8 (n, height, width, channels), makes them pixel * scale + offset (one of each a channel,
    at float32) and returns float32 logits (n, classes), also under a mixed-precision policy. Its layers have the
    architecture's names. It is for training, not for saving (see ``GroupedConv2D``).
    """
    image = keras.Input(architecture.input_shape, dtype="uint8", name=INPUT)
    return keras.Model(image, _logits(architecture, image, scale, offset, _trained_layer))


def build_served(architecture: Architecture, *, scale: Sequence[float], offset: Sequence[float]) -> Any:
    """The model that users get: images of any size as uint8 (n, height, width, channels), probabilities (n, classes).

    It resizes first, with the filter that made the images it was trained with, and ends in a softmax; its weights are
    those of ``build``, in the same order.
    """
    height, width, channels = architecture.input_shape
    image = keras.Input((None, None, channels), dtype="uint8", name=INPUT)
    resizing = keras.layers.Resizing(
        height, width, antialias=True, data_format=_CHANNELS_LAST, dtype="float32", name="resizing"
    )
    logits = _logits(architecture, resizing(image), scale, offset, keras_layer)
    return keras.Model(image, keras.layers.Softmax(dtype="float32", name="probabilities")(logits))


def _logits(
    architecture: Architecture,
    image: Any,
    scale: Sequence[float],
    offset: Sequence[float],
    make: Callable[[Layer], Any],
) -> Any:
    # Scale and offset as (1, 1, channels): Keras turns flat ones round where keras.json says channels_first.
    rescaling = keras.layers.Rescaling([[list(scale)]], [[list(offset)]], dtype="float32", name="rescaling")
    tensors = {INPUT: rescaling(image)}
    for layer in architecture.layers:
        inputs = [tensors[name] for name in layer.inputs]
        tensors[layer.name] = make(layer)(inputs if len(inputs) > 1 else inputs[0])
    return tensors[LOGITS]


def keras_layer(layer: Layer) -> Any:
    """The Keras layer that does what ``layer`` describes, not yet built."""
    return _LAYERS[type(layer.op)](layer.op, name=layer.name, dtype="float32" if layer.name == LOGITS else None)


def _trained_layer(layer: Layer) -> Any:
    if isinstance(layer.op, Conv) and layer.op.groups > 1 and slow_groups():
        return _conv(layer.op, GroupedConv2D, name=layer.name)
    return keras_layer(layer)


def _conv(op: Conv, kind: Callable[..., Any] = keras.layers.Conv2D, **settings: Any) -> Any:
    """Weights as He et al., "Delving Deep into Rectifiers", ICCV 2015: nonlinearities here pass about half."""
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


def _batch_norm(op: BatchNorm, **settings: Any) -> Any:
    """Moving averages that follow within tens of steps, as in PyTorch: with Keras's own momentum of 0.99 a small
    dataset's validation accuracy stays near chance for epochs, and pruners stop the deepest networks first. A small
    ResNet on 3,500 digits had 0.10, 0.32, 0.78 after three epochs with 0.99, and 0.63, 0.93, 0.92 with 0.9 (measured).
    """
    return keras.layers.BatchNormalization(axis=-1, momentum=0.9, **settings)


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
