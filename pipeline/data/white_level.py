"""Which stored value becomes 255, for pixels that are not bytes."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_OVERSHOOT = 2
"""Floats in 0..1 or 0..255 may go up to twice that where a filter has overshot; cubic and Lanczos ones stay below."""

USUAL_SHARE = 0.999
"""The share of pixels that are usual. A sensor has far fewer faulty ones."""

Bits = NDArray[np.int64]
"""How many pixels have each number of bits, (33,): 0 bits below 1, 8 bits from 128 to below 256."""


class PixelRange(NamedTuple):
    """The range of images: the highest pixel, how many pixels have how many bits, and whether all are floats."""

    highest: float
    counts: Bits
    floats: bool

    @classmethod
    def join(cls, ranges: Sequence["PixelRange"]) -> "PixelRange":
        """The range of several images or arrays together."""
        highest, counts, floats = zip(*ranges, strict=True)
        return cls(max(highest), np.sum(counts, axis=0), all(floats))

    @property
    def white(self) -> int:
        """The value that becomes 255."""
        return white_level(self.highest, self.floats)

    @property
    def usual(self) -> int:
        """The lowest power of two that 99.9 % of the pixels are below.

        >>> PixelRange(65535, count_bits(np.array([4000] * 2000 + [65535])), floats=False).usual
        4096
        """
        return int(2 ** np.searchsorted(self.counts.cumsum(), USUAL_SHARE * self.counts.sum()))


def count_bits(pixels: NDArray[Any]) -> Bits:
    """How many pixels, all 0 or more, have each number of bits; those of more than 32 count as 32.

    >>> count_bits(np.array([0.5, 255, 255.5, 256]))[[0, 8, 9]]
    array([1, 2, 1])
    """
    exponents = np.frexp(pixels.astype(np.float64, copy=False))[1]
    return np.bincount(np.clip(exponents, 0, 32).ravel(), minlength=33)


def white_level(highest: float, floats: bool) -> int:
    """The value that becomes 255 when ``highest`` is the highest value of all images.

    Floats up to 2 are in 0..1, and up to 510 in 0..255: what lies above, through resampling, becomes white. Everything
    else uses whole bits, 8 or more, so that 12-bit values in 16-bit files keep their levels.

    >>> white_level(1.02, floats=True), white_level(260.5, floats=True), white_level(3000.0, floats=True)
    (1, 255, 4095)
    >>> white_level(200, floats=False), white_level(4000, floats=False), white_level(65535, floats=False)
    (255, 4095, 65535)
    """
    for white in (1, 255) if floats else ():
        if highest <= white * _OVERSHOOT:
            return white
    return int(2 ** max(8, math.ceil(highest).bit_length()) - 1)


def to_bytes(pixels: NDArray[Any], white: int) -> NDArray[np.uint8]:
    """Pixels scaled and rounded so that ``white`` becomes 255, and what is above or below the range its end.

    >>> to_bytes(np.array([0, 2000, 4095, 5000]), 4095)
    array([  0, 125, 255, 255], dtype=uint8)
    """
    scaled: NDArray[np.float64] = np.rint(pixels.astype(np.float64) * (255 / white))
    return np.clip(scaled, 0, 255).astype(np.uint8)
