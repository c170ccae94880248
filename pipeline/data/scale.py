"""How stored pixel values become 0..255: the same way for all arrays of a dataset."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.data.decode import Pixels
from pipeline.data.npz_array import NpzArray
from pipeline.errors import DataError

Scaling = Callable[[NDArray[Any]], Pixels]
"""Turns a block of stored pixels into uint8."""


def choose_scaling(arrays: Sequence[NpzArray]) -> Scaling:
    """The scaling that suits the pixels of all the arrays, which are read once for that unless they are uint8.

    uint8 stays. Other integers must lie in 0..255; only uint16 may exceed that, and is then divided by 257. Floats are
    multiplied by 255 when none in any array is above 1, else must lie in 0..255. Results are rounded.
    DataError names the array, and the index of a pixel that is not finite.
    """
    first, *others = arrays
    for other in others:
        if other.dtype != first.dtype:
            raise DataError(
                f"{other.where} is {other.dtype} and {first.name} is {first.dtype}; save all images with one dtype"
            )
    if first.dtype == np.uint8:
        return lambda block: block
    if first.dtype.kind not in "iuf":
        raise DataError(f"{first.where}: pixels are {first.dtype}; expected uint8, or other integers or floats")
    highest = max(_highest_pixel(array) for array in arrays)
    if first.dtype.kind == "f":
        factor = 255.0 if highest <= 1 else 1.0
        return lambda block: np.rint(block * factor).astype(np.uint8)
    if highest > 255:
        return lambda block: ((block.astype(np.uint32) + 128) // 257).astype(np.uint8)
    return lambda block: block.astype(np.uint8)


def _highest_pixel(array: NpzArray) -> float:
    """The highest pixel; DataError unless all are in range."""
    limit = 65535 if array.dtype.kind == "u" and array.dtype.itemsize == 2 else 255
    expected = f"0..{limit}" if array.dtype.kind in "iu" else "0..1 or 0..255"
    highest = 0.0
    for start, block in array.read_blocks():
        _check_finite(array, start, block)
        low, high = float(block.min()), float(block.max())
        if low < 0 or high > limit:
            raise DataError(f"{array.where}: pixels of {low if low < 0 else high:g}; expected {expected}")
        highest = max(highest, high)
    return highest


def _check_finite(array: NpzArray, start: int, block: NDArray[Any]) -> None:
    wrong = ~np.isfinite(block)
    if wrong.any():
        row, *others = np.argwhere(wrong)[0].tolist()
        index = ", ".join(map(str, (start + row, *others)))
        raise DataError(f"{array.where}[{index}] is {block[wrong][0]}; expected finite pixels; replace or remove it")
