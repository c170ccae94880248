"""The receptive field: which pixels can influence one unit of a map, found by walking back through a model's steps.

The rule is that of Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill 2019:
a window of size k, stride s, dilation d and padding p before the map turns the rows lo..hi of its output into the rows
s lo - p .. s hi - p + (k - 1) d of its input. Where branches meet, the field is the union of theirs.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import keras
from keras import layers

from pipeline.explain.graph import Step

Shape = tuple[int, ...]
"""The shape of a tensor without its batch axis: (height, width, channels) of a map."""

Span = tuple[int, int]
"""First and last row or column, both inclusive; they lie outside the map where the padding is seen."""

Spans = tuple[Span, ...]
"""Rows and columns of a map; empty for a tensor that is not a map."""

_POINTWISE_LAYERS = (
    layers.Activation, layers.ReLU, layers.LeakyReLU, layers.ELU, layers.PReLU, layers.Softmax, layers.Identity,
    layers.BatchNormalization, layers.LayerNormalization, layers.UnitNormalization, layers.Normalization,
    layers.Rescaling, layers.Dropout, layers.SpatialDropout2D, layers.GaussianDropout, layers.GaussianNoise,
    layers.AlphaDropout, layers.ActivityRegularization, layers.Dense, layers.EinsumDense,
    layers.Add, layers.Subtract, layers.Multiply, layers.Average, layers.Maximum, layers.Minimum, layers.Concatenate,
    layers.RandomFlip, layers.RandomRotation, layers.RandomZoom, layers.RandomTranslation, layers.RandomContrast,
    layers.RandomBrightness,
)  # fmt: skip
"""Layers whose output at a position depends on their inputs at that position alone.

The random ones do nothing outside training.
"""

_POINTWISE_OPERATIONS = frozenset((
    "Abs", "Add", "Cast", "Clip", "Concatenate", "ConvertToTensor", "Divide", "Elu", "Exp", "Gelu", "HardSigmoid",
    "HardSilu", "LeakyRelu", "Log", "Maximum", "Minimum", "Multiply", "Negative", "Power", "Relu", "Relu6", "Selu",
    "Sigmoid", "Silu", "Softplus", "Softsign", "Sqrt", "Square", "Subtract", "Tanh", "TrueDivide",
))  # fmt: skip
"""Operations of ``keras.ops`` for which the same holds, by the name of their class."""

_GLOBAL = (layers.GlobalAveragePooling2D, layers.GlobalMaxPooling2D)
"""Layers whose output depends on the whole map."""


@dataclass(frozen=True)
class Window:
    """How a layer reads its input along one axis: size (dilation included), stride, and padding before the map."""

    size: int
    stride: Fraction | int
    before: int

    def project(self, span: Span) -> Span:
        """The span of the input that a span of the output depends on."""
        first = math.floor(span[0] * self.stride - self.before)
        last = math.ceil(span[1] * self.stride - self.before)
        return first, last + self.size - 1


def receptive_field(
    steps: Sequence[Step], shapes: Mapping[int, Shape], slot: int, unit: tuple[int, int], clip: bool = True
) -> tuple[Spans, tuple[str, ...]]:
    """The rows and columns of slot 0 that can influence the unit (row, column) of ``slot``.

    Also returns the names of the layers whose rule is not known. Such a layer is assumed to see its whole input, so the
    field is too large rather than too small. With ``clip`` the field ends at the borders of every map on the way;
    without it, padding counts as pixels.
    """
    spans_of: dict[int, Spans] = {slot: tuple((position, position) for position in unit)}
    unknown = []
    for step in reversed(steps):
        for output in step.outputs:
            if output not in spans_of:
                continue
            for number in step.inputs:
                spans = _project(step.operation, shapes[number], shapes[output], spans_of[output])
                if spans is None:
                    unknown.append(step.name)
                    spans = _whole(shapes[number])
                clipped = _clip(spans, shapes[number]) if clip else spans
                spans_of[number] = _union(spans_of.get(number, ()), clipped)
    return spans_of.get(0, _whole(shapes[0])), tuple(dict.fromkeys(reversed(unknown)))


def is_map(shape: Shape) -> bool:
    """Whether a tensor of one image has height, width and channels."""
    return len(shape) == 3


def _project(operation: Any, before: Shape, after: Shape, spans: Spans) -> Spans | None:
    """The spans of one input that those of the output depend on; None if the operation's rule is not known."""
    if not is_map(before) or not is_map(after) or isinstance(operation, _GLOBAL):
        return _whole(before)
    windows = [_window(operation, axis, before[axis], after[axis]) for axis in (0, 1)]
    if None in windows:
        return None
    return tuple(
        (0, 0) if size == 1 < larger else window.project(span)  # one value that is broadcast over a larger map
        for size, larger, window, span in zip(before[:2], after[:2], windows, spans, strict=True)
        if window is not None
    )


def _window(operation: Any, axis: int, before: int, after: int) -> Window | None:
    for kinds, rule in _RULES.items():
        if isinstance(operation, kinds):
            return rule(operation, axis, before, after)
    if not isinstance(operation, keras.layers.Layer) and type(operation).__name__ in _POINTWISE_OPERATIONS:
        return _pointwise(operation, axis, before, after)
    return None


def _pointwise(operation: Any, axis: int, before: int, after: int) -> Window | None:
    """The position itself if the operation works along the channels; None along another axis."""
    along = getattr(operation, "axis", -1)
    return Window(1, 1, 0) if along in (-1, 3, [-1], [3], (-1,), None) else None


def _convolution(layer: Any, axis: int, before: int, after: int) -> Window | None:
    size, stride, dilation = layer.kernel_size[axis], layer.strides[axis], layer.dilation_rate[axis]
    return _sliding_window(size, stride, dilation, layer.padding, before, after)


def _pool(layer: Any, axis: int, before: int, after: int) -> Window | None:
    return _sliding_window(layer.pool_size[axis], layer.strides[axis], 1, layer.padding, before, after)


def _sliding_window(kernel: int, stride: int, dilation: int, padding: str, before: int, after: int) -> Window:
    """If ``same`` pads by an odd number, the extra row or column is after the map, as in TensorFlow."""
    size = (kernel - 1) * dilation + 1
    padded = max((after - 1) * stride + size - before, 0) if padding == "same" else 0
    return Window(size, stride, padded // 2)


def _zero_padding(layer: Any, axis: int, before: int, after: int) -> Window:
    return Window(1, 1, layer.padding[axis][0])


def _cropping(layer: Any, axis: int, before: int, after: int) -> Window:
    return Window(1, 1, -layer.cropping[axis][0])


def _scaling(layer: Any, axis: int, before: int, after: int) -> Window | None:
    """The window of a resizing layer: the position itself at the same size, else that of bilinear interpolation.

    Bilinear interpolation needs one pixel of margin on both sides. An antialiasing filter, which is used when the map
    gets smaller, reaches as far as the ratio of the sizes.
    """
    if before == after:
        return Window(1, 1, 0)
    if getattr(layer, "crop_to_aspect_ratio", False) or getattr(layer, "pad_to_aspect_ratio", False):
        return None
    ratio = Fraction(before, after)
    if getattr(layer, "antialias", False) and ratio > 1:
        return Window(math.ceil(2 * ratio) + 2, ratio, math.ceil((ratio + 1) / 2))
    return Window(math.ceil(ratio) + 2, ratio, 1)


_Rule = Callable[[Any, int, int, int], Window | None]
_RULES: Mapping[tuple[type, ...], _Rule] = {
    (layers.Conv2D, layers.DepthwiseConv2D, layers.SeparableConv2D): _convolution,
    (layers.MaxPooling2D, layers.AveragePooling2D): _pool,
    (layers.ZeroPadding2D,): _zero_padding,
    (layers.Cropping2D,): _cropping,
    (layers.Resizing, layers.UpSampling2D): _scaling,
    _POINTWISE_LAYERS: _pointwise,
}


def _whole(shape: Shape) -> Spans:
    return ((0, shape[0] - 1), (0, shape[1] - 1)) if is_map(shape) else ()


def _clip(spans: Spans, shape: Shape) -> Spans:
    return tuple((max(first, 0), min(last, size - 1)) for (first, last), size in zip(spans, shape, strict=False))


def _union(first: Spans, second: Spans) -> Spans:
    if not first or not second:
        return first or second
    return tuple((min(a[0], b[0]), max(a[1], b[1])) for a, b in zip(first, second, strict=True))
