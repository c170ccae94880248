"""How stored pixel values become 0..255: one rule for all arrays of a dataset."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.data.decode import Pixels
from pipeline.data.member import Member
from pipeline.errors import DataError

Rule = Callable[[NDArray[Any]], Pixels]


def pixel_rule(arrays: Sequence[Member]) -> Rule:
    """What turns a block of the arrays into uint8.

    Bytes stay; other integers must lie in 0..255, only uint16 may go beyond and is then divided by 257; floats are
    multiplied by 255 when none in any array is above 1, else must lie in 0..255; results are rounded.
    A DataError names the array, and the place of a pixel that is not finite.
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
    highest = _highest(arrays)
    if first.dtype.kind == "f":
        factor = 255.0 if highest <= 1 else 1.0
        return lambda block: np.rint(block * factor).astype(np.uint8)
    if highest > 255:
        return lambda block: ((block.astype(np.uint32) + 128) // 257).astype(np.uint8)
    return lambda block: block.astype(np.uint8)


def _highest(arrays: Sequence[Member]) -> float:
    """The highest pixel of all arrays, all of which are checked to be in range."""
    return max(_highest_of(array) for array in arrays)


def _highest_of(array: Member) -> float:
    top = 65535 if array.dtype.kind == "u" and array.dtype.itemsize == 2 else 255
    expected = f"0..{top}" if array.dtype.kind in "iu" else "0..1 or 0..255"
    highest = 0.0
    for start, block in array.blocks():
        _finite(array, start, block)
        low, high = float(block.min()), float(block.max())
        if low < 0 or high > top:
            raise DataError(f"{array.where}: pixels of {low if low < 0 else high:g}; expected {expected}")
        highest = max(highest, high)
    return highest


def _finite(array: Member, start: int, block: NDArray[Any]) -> None:
    wrong = ~np.isfinite(block)
    if wrong.any():
        first, *rest = (int(place) for place in np.argwhere(wrong)[0])
        place = ", ".join(map(str, (start + first, *rest)))
        raise DataError(f"{array.where}[{place}] is {block[wrong][0]}; expected finite pixels; replace or remove it")
