"""Which pixels one unit of a map can see: the receptive field, walked back through a model's steps.

The rule is that of Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill 2019:
a window of size k, stride s and p padding before the map turns the rows lo..hi of its output into the rows
s lo - p .. s hi - p + (k - 1) d of its input (d is the dilation). Branches that meet see what each of them sees.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import keras
from keras import layers

from pipeline.training.look.graph import Step

Shape = tuple[int, ...]
"""Of one image in a slot, without the batch: (height, width, channels) of a map."""

Span = tuple[int, int]
"""First and last row or column; below 0 or behind the last where padding is seen."""

Spans = tuple[Span, ...]
"""Rows and columns of a map; empty for what is no map."""

_POINTWISE_LAYERS = (
    layers.Activation, layers.ReLU, layers.LeakyReLU, layers.ELU, layers.PReLU, layers.Softmax, layers.Identity,
    layers.BatchNormalization, layers.LayerNormalization, layers.UnitNormalization, layers.Normalization,
    layers.Rescaling, layers.Dropout, layers.SpatialDropout2D, layers.GaussianDropout, layers.GaussianNoise,
    layers.AlphaDropout, layers.ActivityRegularization, layers.Dense, layers.EinsumDense,
    layers.Add, layers.Subtract, layers.Multiply, layers.Average, layers.Maximum, layers.Minimum, layers.Concatenate,
    layers.RandomFlip, layers.RandomRotation, layers.RandomZoom, layers.RandomTranslation, layers.RandomContrast,
    layers.RandomBrightness,
)  # fmt: skip
"""Layers whose output at a place depends on their inputs at that place alone; the random ones rest after training."""

_POINTWISE_OPERATIONS = frozenset((
    "Abs", "Add", "Cast", "Clip", "Concatenate", "ConvertToTensor", "Divide", "Elu", "Exp", "Gelu", "HardSigmoid",
    "HardSilu", "LeakyRelu", "Log", "Maximum", "Minimum", "Multiply", "Negative", "Power", "Relu", "Relu6", "Selu",
    "Sigmoid", "Silu", "Softplus", "Softsign", "Sqrt", "Square", "Subtract", "Tanh", "TrueDivide",
))  # fmt: skip
"""The same of ``keras.ops``, by class."""

_WHOLE = (layers.GlobalAveragePooling2D, layers.GlobalMaxPooling2D)
"""Layers that see the whole map, known to do so."""


@dataclass(frozen=True)
class Window:
    """Size (dilation included), stride and padding before, along one axis."""

    size: int
    stride: Fraction | int
    before: int

    def back(self, span: Span) -> Span:
        """What of the input a span of the output sees."""
        first, last = span
        return math.floor(first * self.stride - self.before), math.ceil(
            last * self.stride - self.before
        ) + self.size - 1


def field(
    steps: Sequence[Step], shapes: Mapping[int, Shape], slot: int, unit: tuple[int, int], clip: bool = True
) -> tuple[Spans, tuple[str, ...]]:
    """Rows and columns of slot 0 that the unit (row, column) of ``slot`` can see, and the layers that are not known.

    A layer that is not known is taken to see its whole input: too much rather than too little. With ``clip`` the
    field ends at the borders of every map on the way; without, padding counts as if there were pixels.
    """
    wanted: dict[int, Spans] = {slot: tuple((place, place) for place in unit)}
    unknown = []
    for step in reversed(steps):
        for output in step.outputs:
            if output not in wanted:
                continue
            for number in step.inputs:
                found = _back(step.operation, shapes[number], shapes[output], wanted[output])
                if found is None:
                    unknown.append(step.name)
                spans = _all(shapes[number]) if found is None else found
                wanted[number] = _union(wanted.get(number, ()), _clipped(spans, shapes[number]) if clip else spans)
    return wanted.get(0, _all(shapes[0])), tuple(dict.fromkeys(reversed(unknown)))


def is_map(shape: Shape) -> bool:
    """Whether a tensor of one image has height, width and channels."""
    return len(shape) == 3


def _back(operation: Any, before: Shape, after: Shape, spans: Spans) -> Spans | None:
    """The spans of one input; None when the operation is not known."""
    if not is_map(before) or not is_map(after) or isinstance(operation, _WHOLE):
        return _all(before)
    windows = [_window(operation, axis, before[axis], after[axis]) for axis in (0, 1)]
    if None in windows:
        return None
    return tuple(
        (0, 0) if size == 1 < larger else window.back(span)  # spread over a larger map, as a squeeze's one value is
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
    """Itself, if it works along the channels."""
    along = getattr(operation, "axis", -1)
    return Window(1, 1, 0) if along in (-1, 3, [-1], [3], (-1,), None) else None


def _convolution(layer: Any, axis: int, before: int, after: int) -> Window | None:
    return _slide(layer.kernel_size[axis], layer.strides[axis], layer.dilation_rate[axis], layer.padding, before, after)


def _pool(layer: Any, axis: int, before: int, after: int) -> Window | None:
    return _slide(layer.pool_size[axis], layer.strides[axis], 1, layer.padding, before, after)


def _slide(kernel: int, stride: int, dilation: int, padding: str, before: int, after: int) -> Window:
    """``same`` puts the odd one of its padded rows behind the map, as TensorFlow does."""
    size = (kernel - 1) * dilation + 1
    padded = max((after - 1) * stride + size - before, 0) if padding == "same" else 0
    return Window(size, stride, padded // 2)


def _zero_padding(layer: Any, axis: int, before: int, after: int) -> Window:
    return Window(1, 1, layer.padding[axis][0])


def _cropping(layer: Any, axis: int, before: int, after: int) -> Window:
    return Window(1, 1, -layer.cropping[axis][0])


def _scaling(layer: Any, axis: int, before: int, after: int) -> Window | None:
    """Itself at the same size, else bilinear: one pixel of margin on both sides; smaller with an antialiasing filter,
    which reaches as far as the ratio.
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


def _all(shape: Shape) -> Spans:
    return ((0, shape[0] - 1), (0, shape[1] - 1)) if is_map(shape) else ()


def _clipped(spans: Spans, shape: Shape) -> Spans:
    return tuple((max(first, 0), min(last, size - 1)) for (first, last), size in zip(spans, shape, strict=False))


def _union(one: Spans, other: Spans) -> Spans:
    if not one or not other:
        return one or other
    return tuple((min(a[0], b[0]), max(a[1], b[1])) for a, b in zip(one, other, strict=True))
