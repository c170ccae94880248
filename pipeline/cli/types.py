"""The ``type=`` of flags: functions that take the text of a flag and return its value."""

import argparse
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from pipeline.job.parsers import describe_received, parse_whole_number

if TYPE_CHECKING:
    from pipeline.explain.explanation import Unit

T = TypeVar("T")


def flag_type(parse: Callable[[str], T]) -> Callable[[str], T | None]:
    """``parse`` for argparse. An empty text stands for a flag that was not given: MLproject files pass such.

    ``parse`` raises ValueError with what was expected; the value that came is added.

    >>> flag_type(float)("0.5"), flag_type(float)("")
    (0.5, None)
    """

    def convert(text: str) -> T | None:
        if text == "":
            return None
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{error}{describe_received(text)}") from None

    return convert


def whole_number(low: int, high: int = 10**9) -> Callable[[str], int | None]:
    """Whole numbers from ``low`` to ``high``."""
    return flag_type(parse_whole_number(low, high))


def finite_number(text: str) -> float:
    """A number that is neither infinite nor NaN."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise argparse.ArgumentTypeError(f"expected a number{describe_received(text)}")
    return number


def unit(text: str) -> "Unit | None":
    """A unit of a layer's map, ``LAYER:ROW,COLUMN``."""
    from pipeline.explain.explanation import Unit

    return flag_type(Unit.parse)(text)
