"""The ops that a layer can perform, as frozen records."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pipeline.architecture.op import Infeasible, Op, Shape

Padding = Literal["same", "valid"]


@dataclass(frozen=True)
class Image(Op):
    """The input: pixels, already rescaled."""


@dataclass(frozen=True)
class Conv(Op):
    """Square 2-D convolution. ``groups`` split the channels (1: every filter sees every channel)."""

    filters: int
    kernel: int
    stride: int = 1
    padding: Padding = "same"
    groups: int = 1
    bias: bool = True

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        """The map that a window of ``kernel`` and ``stride`` leaves, with ``filters`` channels."""
        ((height, width, channels),) = inputs
        if channels % self.groups or self.filters % self.groups:
            raise Infeasible(
                f"{self.groups} groups do not divide {channels} channels into {self.filters} filters",
                "groups do not divide channels",
            )
        if not _fits(height, width, self.kernel, self.padding):
            raise Infeasible(_misfit("kernel", self.kernel, height, width), "kernel larger than map")
        return (*_slide(height, width, self.kernel, self.stride, self.padding), self.filters)

    def parameters(self, inputs: Sequence[Shape]) -> int:
        """Per filter, a kernel over the channels of its group, and a bias."""
        return self._kernel_weights(inputs) + self.filters * self.bias

    def macs(self, inputs: Sequence[Shape]) -> int:
        """Every kernel weight once per output position; padded positions count."""
        height, width, _ = self.shape(inputs)
        return height * width * self._kernel_weights(inputs)

    def _kernel_weights(self, inputs: Sequence[Shape]) -> int:
        ((_, _, channels),) = inputs
        return self.kernel**2 * (channels // self.groups) * self.filters

    def window(self) -> tuple[int, int]:
        """The kernel."""
        return self.kernel, self.stride

    def canonical(self, inputs: Sequence[Shape]) -> Op:
        """``same`` that adds no padding is ``valid``."""
        ((height, width, _),) = inputs
        return self if _padded(height, width, self.kernel, self.stride) else replace(self, padding="valid")

    @property
    def keeps_input(self) -> bool:
        """True: the gradient of the kernel is made from the input."""
        return True


@dataclass(frozen=True)
class Pool(Op):
    """Square 2-D pooling: the maximum or the average of each window."""

    kind: Literal["max", "average"]
    size: int
    stride: int
    padding: Padding = "valid"

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        """The map that a window of ``size`` and ``stride`` leaves, channels as they were."""
        ((height, width, channels),) = inputs
        if not _fits(height, width, self.size, self.padding):
            raise Infeasible(_misfit("pool", self.size, height, width), "map vanishes")
        return (*_slide(height, width, self.size, self.stride, self.padding), channels)

    def window(self) -> tuple[int, int]:
        """The pool."""
        return self.size, self.stride

    def canonical(self, inputs: Sequence[Shape]) -> Op:
        """``same`` that adds no padding is ``valid``."""
        ((height, width, _),) = inputs
        return self if _padded(height, width, self.size, self.stride) else replace(self, padding="valid")

    @property
    def keeps_input(self) -> bool:
        """True for a maximum, which is found again by comparing the output with the input."""
        return self.kind == "max"

    @property
    def keeps_output(self) -> bool:
        """True for a maximum, as ``keeps_input``."""
        return self.kind == "max"


@dataclass(frozen=True)
class BatchNorm(Op):
    """Batch normalisation over the last axis: scale and shift are trained, mean and variance tracked."""

    def parameters(self, inputs: Sequence[Shape]) -> int:
        """A scale and a shift per channel."""
        (shape,) = inputs
        return 2 * shape[-1]

    def non_trainable(self, inputs: Sequence[Shape]) -> int:
        """A moving mean and variance per channel."""
        (shape,) = inputs
        return 2 * shape[-1]

    @property
    def keeps_input(self) -> bool:
        """True: its gradient is made from the input and the batch's statistics."""
        return True


@dataclass(frozen=True)
class Activation(Op):
    """An elementwise nonlinearity with Keras's constants (leaky_relu: slope 0.2)."""

    kind: Literal["relu", "leaky_relu", "elu", "gelu", "silu"]

    @property
    def keeps_input(self) -> bool:
        """Whether the backward pass needs the input, because the output does not give the slope."""
        return not self.keeps_output

    @property
    def keeps_output(self) -> bool:
        """Whether the output gives the slope, as with relu and elu, so that the input is not needed."""
        return self.kind in ("relu", "elu")

    def keeps_beside(self, inputs: Sequence[Shape]) -> int:
        """For gelu, which is exactly x/2 * (1 + erf(x / sqrt 2)), both factors."""
        (shape,) = inputs
        return 2 * math.prod(shape) if self.kind == "gelu" else 0


@dataclass(frozen=True)
class Dropout(Op):
    """Sets the share ``rate`` of the features to 0 in training and scales the others up."""

    rate: float

    def keeps_beside(self, inputs: Sequence[Shape]) -> int:
        """A mask of the features that were dropped."""
        (shape,) = inputs
        return math.prod(shape)


@dataclass(frozen=True)
class GlobalAveragePool(Op):
    """The mean of each channel over the whole map."""

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        """One feature per channel."""
        ((_, _, channels),) = inputs
        return (channels,)

    def window(self) -> None:
        """The whole map."""

    def canonical(self, inputs: Sequence[Shape]) -> Op:
        """The mean of a 1x1 map is the map itself."""
        ((height, width, _),) = inputs
        return Flatten() if height == width == 1 else self


@dataclass(frozen=True)
class Flatten(Op):
    """The map as one row of features."""

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        """As many features as the map has values."""
        (shape,) = inputs
        return (math.prod(shape),)

    def window(self) -> None:
        """The whole map."""


@dataclass(frozen=True)
class Dense(Op):
    """A fully connected layer with biases."""

    units: int

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        """One feature per unit."""
        ((_,),) = inputs
        return (self.units,)

    def parameters(self, inputs: Sequence[Shape]) -> int:
        """A weight per pair of feature and unit, and a bias per unit."""
        return self.macs(inputs) + self.units

    def macs(self, inputs: Sequence[Shape]) -> int:
        """One per weight."""
        ((features,),) = inputs
        return features * self.units

    @property
    def keeps_input(self) -> bool:
        """True: the gradient of the weights is made from the input."""
        return True


@dataclass(frozen=True)
class Add(Op):
    """The sum of two or more inputs of equal shape."""

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        """The shape of every input; ValueError when they differ."""
        if len(inputs) < 2 or len(set(inputs)) > 1:
            raise ValueError(f"Add takes two or more inputs of equal shape, got {list(inputs)}")
        return inputs[0]


@dataclass(frozen=True)
class Concat(Op):
    """Two or more inputs side by side along the last axis."""

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        """The last axes add up; ValueError when the others differ."""
        if len(inputs) < 2 or len({shape[:-1] for shape in inputs}) > 1:
            raise ValueError(f"Concat takes two or more inputs that differ in the last axis only, got {list(inputs)}")
        return (*inputs[0][:-1], sum(shape[-1] for shape in inputs))


def _slide(height: int, width: int, size: int, stride: int, padding: Padding) -> tuple[int, int]:
    """The number of positions of a window along both axes, as TensorFlow and Keras count them."""
    margin = 0 if padding == "same" else size - 1
    return -(-(height - margin) // stride), -(-(width - margin) // stride)


def _fits(height: int, width: int, size: int, padding: Padding) -> bool:
    return padding == "same" or size <= min(height, width)


def _padded(height: int, width: int, size: int, stride: int) -> bool:
    """Whether ``same`` adds padding, as it does when the last window reaches beyond the map."""
    rows, columns = _slide(height, width, size, stride, "same")
    return (rows - 1) * stride + size > height or (columns - 1) * stride + size > width


def _misfit(name: str, size: int, height: int, width: int) -> str:
    return f"{name} {size}x{size} does not fit its {height}x{width} map"
