"""What the families share: hyperparameters that mean the same in each, the width multiplier, the halvings left out."""

import math

from pipeline.hyperparameter import Hyperparameter

NORM = Hyperparameter("norm", "batch", "normalisation after each convolution", options=("none", "batch"))
ACTIVATION = Hyperparameter(
    "activation",
    "relu",
    "after each convolution and fully connected layer",
    options=("relu", "leaky_relu", "elu", "gelu", "silu"),
)
DROPOUT = Hyperparameter(
    "dropout",
    0.0,
    "share of features dropped after each fully connected layer, or else before the logits",
    low=0.0,
    high=0.9,
)
WIDTH = Hyperparameter("width", 1.0, "factor on all filters and fully connected units", low=0.01, high=16.0)
DESIGNED_FOR = Hyperparameter(
    "designed_for", 0, "side of the images it was made for; smaller ones are halved less often, 0: take as is", low=0
)
STAGES = Hyperparameter("stages", 3, "stages; the map is halved between two", low=1)

SHARED = (NORM, ACTIVATION, DROPOUT, WIDTH, DESIGNED_FOR)
STEM = (
    Hyperparameter("stem_filters", 32, "filters of the first convolution", low=1),
    Hyperparameter("stem_kernel", 3, "side of the first convolution's kernel", low=1),
    Hyperparameter("stem_stride", 1, "stride of the first convolution", low=1),
    Hyperparameter("stem_pool", "none", "3x3 pools with stride 2 in the stem", options=("none", "max")),
)
"""What comes before the stages, in families that have them."""


def scaled(filters: int, width: float, groups: int = 1) -> int:
    """``filters`` times ``width``, rounded to a multiple of ``groups``, at least one a group.

    Filters that the groups do not divide are left as they are: the convolution will say so.
    """
    if filters % groups:
        return filters
    return groups * max(1, math.floor(filters // groups * width + 0.5))


_SLACK = 1.05
"""227 pixels, AlexNet's, are to 28 as 224 are."""


class Halvings:
    """The halvings of the map that a network made for larger images leaves out on smaller ones.

    On images a seventh as large as ``designed_for`` the map of a published network would vanish. Left out, from the
    input on, are the fewest halvings that keep the side of the last map at least half as long as in the original:
    ceil(log2(designed_for / side)) - 1 of them, where the ratio may be 5 % above a power of 2. With 224 that is
    4 pixels instead of 7 on images of 28, 32 and 64; at 32 the networks come out as people adapt them to CIFAR-10.
    Convolutions and pools are asked about in the order of the network; each call may use up some of what is left.
    0, or larger images, leave everything as it is.
    """

    def __init__(self, designed_for: int, height: int, width: int) -> None:
        ratio = designed_for / min(height, width)
        self._left = max(0, math.ceil(math.log2(ratio / _SLACK)) - 1) if ratio > 0 else 0

    def conv(self, kernel: int, stride: int) -> tuple[int, int]:
        """Kernel and stride of a convolution: a stride that shrinks takes the kernel with it.

        To the nearest odd number (7x7 with stride 2 becomes 3x3), at least 3, never larger than it was.
        """
        taken = self._take(stride)
        if not taken:
            return kernel, stride
        nearest_odd = 2 * (kernel >> taken + 1) + 1
        return min(kernel, max(3, nearest_odd)), stride >> taken

    def stride(self, stride: int) -> int:
        """The stride of something that has no kernel to shrink, such as a stage."""
        return stride >> self._take(stride)

    def pool(self, size: int, stride: int) -> tuple[int, int] | None:
        """Size and stride of a pool; None when it is left out."""
        taken = self._take(stride)
        if not taken:
            return size, stride
        stride >>= taken
        return (max(2, -(-size >> taken)), stride) if stride > 1 else None

    def _take(self, stride: int) -> int:
        taken = min(self._left, stride.bit_length() - 1)
        self._left -= taken
        return taken
