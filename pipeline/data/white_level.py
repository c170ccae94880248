"""Which stored value becomes 255, for pixels that are not bytes."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

_OVERSHOOT = 2
"""Floats in 0..1 or 0..255 may go up to twice that where a filter has overshot; cubic and Lanczos ones stay below."""


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
