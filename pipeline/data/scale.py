"""The range of stored pixels: the same for all arrays of a dataset."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.data.npz_array import NpzArray
from pipeline.data.white_level import PixelRange, count_bits
from pipeline.errors import DataError

_MOST = 65535
"""The highest pixel there may be."""


def read_range(arrays: Sequence[NpzArray]) -> PixelRange | None:
    """The range of all the arrays, which are read for that; None if they are uint8.

    DataError names the array whose pixels are not numbers in 0..65535 or have another dtype than the first, and the
    index of a pixel that is not finite.
    """
    first, *others = arrays
    for other in others:
        if other.dtype != first.dtype:
            raise DataError(
                f"{other.where} is {other.dtype} and {first.name} is {first.dtype}; save all images with one dtype"
            )
    if first.dtype == np.uint8:
        return None
    if first.dtype.kind not in "iuf":
        raise DataError(f"{first.where}: pixels are {first.dtype}; expected uint8, or other integers or floats")
    return PixelRange.join([block for array in arrays for block in _block_ranges(array)])


def _block_ranges(array: NpzArray) -> Iterator[PixelRange]:
    expected = f"0..{_MOST:,}" if array.dtype.kind in "iu" else f"0..1, 0..255 or up to {_MOST:,}"
    for start, block in array.read_blocks():
        _check_finite(array, start, block)
        low, high = float(block.min()), float(block.max())
        if low < 0 or high > _MOST:
            raise DataError(f"{array.where}: pixels of {low if low < 0 else high:g}; expected {expected}")
        yield PixelRange(high, count_bits(block), array.dtype.kind == "f")


def _check_finite(array: NpzArray, start: int, block: NDArray[Any]) -> None:
    wrong = ~np.isfinite(block)
    if wrong.any():
        row, *others = np.argwhere(wrong)[0].tolist()
        index = ", ".join(map(str, (start + row, *others)))
        raise DataError(f"{array.where}[{index}] is {block[wrong][0]}; expected finite pixels; replace or remove it")
