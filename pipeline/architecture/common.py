"""Parts that families share: common hyperparameters, the width multiplier, and halvings left out on small images."""

import math

from pipeline.hyperparameter import Hyperparameter

NORM = Hyperparameter("norm", "batch", "normalisation after each convolution", options=("none", "batch"))
ACTIVATION = Hyperparameter(
    "activation",
    "relu",
    "nonlinearity after each convolution and fully connected layer",
    options=("relu", "leaky_relu", "elu", "gelu", "silu"),
)
DROPOUT = Hyperparameter(
    "dropout",
    0.0,
    "share of features dropped after each fully connected layer, or before the logits if there is none",
    low=0.0,
    high=0.9,
)
WIDTH = Hyperparameter("width", 1.0, "factor for all filters and fully connected units", low=0.01, high=16.0)
DESIGNED_FOR = Hyperparameter(
    "designed_for",
    0,
    "side of the images that the network is designed for; smaller ones are halved less, larger ones more; 0: as is",
    low=0,
)
STAGES = Hyperparameter("stages", 3, "number of stages; the map is halved from one to the next", low=1)

SHARED = (NORM, ACTIVATION, DROPOUT, WIDTH, DESIGNED_FOR)
"""The hyperparameters of every family."""

STEM = (
    Hyperparameter("stem_filters", 32, "filters of the first convolution", low=1),
    Hyperparameter("stem_kernel", 3, "side of the first convolution's kernel", low=1),
    Hyperparameter("stem_stride", 1, "stride of the first convolution", low=1),
    Hyperparameter("stem_pool", "none", "3x3 pools with stride 2 in the stem", options=("none", "max")),
)
"""The hyperparameters of the layers before the stages, in families that have stages."""


def scale_filters(filters: int, width: float, groups: int = 1) -> int:
    """``filters`` times ``width``, rounded to a multiple of ``groups`` that is at least ``groups``.

    If ``groups`` does not divide ``filters``, they are not scaled: the convolution raises Infeasible with the reason.

    >>> scale_filters(64, 0.3), scale_filters(64, 0.3, groups=8), scale_filters(64, 0.01, groups=8)
    (19, 16, 8)
    """
    if filters % groups:
        return filters
    return groups * max(1, math.floor(filters // groups * width + 0.5))


_SLACK = 1.05
"""How far a ratio of sides may exceed a power of 2, so that 227 pixels (AlexNet) count as 224 do on images of 28."""


def _count_halvings(large: int, small: int) -> int:
    """How often ``large`` must be halved until it is at most about twice ``small``; 0 if either is 0."""
    return max(0, math.ceil(math.log2(large / small / _SLACK)) - 1) if large and small else 0


class Halvings:
    """The halvings of the map that a network leaves out on smaller images than it was made for, or adds on larger ones.

    On images a seventh as large as ``designed_for``, the map of a published network would vanish; on images seven times
    as large, its last map would be large and every layer expensive. So halvings are left out or added at the input, as
    few as keep the side of the last map between half and twice that of the original: ceil(log2(ratio)) - 1, where the
    ratio is that of the larger side to the smaller one and may be 5 % above a power of 2. With 224, the last map is 4x4
    instead of 7x7 on images of 28, 32 and 64 pixels; at 32, the networks come out as people adapt them to CIFAR-10.
    Nothing changes if ``designed_for`` is 0. Images count by their shorter side.

    The methods must be called in the order of the network's layers: each call may use up some of the halvings.

    >>> halvings = Halvings(designed_for=224, height=28, width=28)  # leaves out two
    >>> halvings.fit_conv(kernel=7, stride=2), halvings.fit_pool(size=3, stride=2), halvings.fit_stride(2)
    ((3, 1), None, 2)
    >>> halvings = Halvings(designed_for=32, height=224, width=224)  # adds two
    >>> halvings.fit_conv(kernel=3, stride=1), halvings.fit_conv(kernel=3, stride=1)
    ((5, 4), (3, 1))
    """

    def __init__(self, designed_for: int, height: int, width: int) -> None:
        side = min(height, width)
        self._left = _count_halvings(designed_for, side)
        self._added = _count_halvings(side, designed_for)

    def fit_conv(self, kernel: int, stride: int) -> tuple[int, int]:
        """Kernel and stride of a convolution. If the stride shrinks, so does the kernel.

        The kernel becomes the nearest odd number (7x7 with stride 2 becomes 3x3), at least 3 and no larger than it was.
        The first convolution takes all added halvings, and its kernel is then larger than its stride.
        """
        if self._added:
            stride <<= self._added
            self._added = 0
            return max(kernel, stride + 1), stride
        left_out = self._leave_out(stride)
        if not left_out:
            return kernel, stride
        nearest_odd = 2 * (kernel >> left_out + 1) + 1
        return min(kernel, max(3, nearest_odd)), stride >> left_out

    def fit_stride(self, stride: int) -> int:
        """The stride of a part that has no kernel to shrink, such as a stage."""
        return stride >> self._leave_out(stride)

    def fit_pool(self, size: int, stride: int) -> tuple[int, int] | None:
        """Size and stride of a pool; None when it is left out."""
        left_out = self._leave_out(stride)
        if not left_out:
            return size, stride
        stride >>= left_out
        return (max(2, -(-size >> left_out)), stride) if stride > 1 else None

    def _leave_out(self, stride: int) -> int:
        """Leaves out some of the halvings in ``stride``, and returns how many."""
        left_out = min(self._left, stride.bit_length() - 1)
        self._left -= left_out
        return left_out
