"""Domains of a hyperparameter: a range of whole numbers, a range of numbers, or a choice."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeGuard

from pipeline.errors import SpaceError
from pipeline.hyperparameter import Scalar, format_value

_TOLERANCE = 1e-12
"""The error that rounding may add or take, as a share of the larger end of a range (a few times 2**-52)."""


@dataclass(frozen=True)
class IntRange:
    """Whole numbers from ``low`` to ``high``, both included, every ``step``; ``log``: drawn evenly in their logarithm.

    ``high`` is lowered to the last number that the steps reach. SpaceError for an invalid range.
    """

    low: int
    high: int
    step: int = 1
    log: bool = False

    def __post_init__(self) -> None:
        for number in (self.low, self.high, self.step):
            if not isinstance(number, int) or isinstance(number, bool):
                raise SpaceError(f"expected whole numbers, got {number!r}")
        _check_range(self.low, self.high, self.step, self.log)
        if self.log and self.step != 1:
            raise SpaceError(f"log and step cannot go together, got step {self.step}; leave one out")
        object.__setattr__(self, "high", self.high - (self.high - self.low) % self.step)

    def __str__(self) -> str:
        step = f" in steps of {self.step}" if self.step != 1 else ""
        return f"{self.low} to {self.high}{step}{' (log)' if self.log else ''}"

    @property
    def first(self) -> int:
        """The lowest value."""
        return self.low

    def count(self) -> int:
        """How many values there are."""
        return (self.high - self.low) // self.step + 1

    def values(self) -> Iterator[int]:
        """Every value, lowest first."""
        return iter(range(self.low, self.high + 1, self.step))

    def at(self, share: float) -> int:
        """The value at ``share``, from 0 to below 1, of the way from the lowest to the highest."""
        if self.log:
            return min(self.high, int(self.low * ((self.high + 1) / self.low) ** share))
        return self.low + int(share * self.count()) * self.step

    def member(self, value: object) -> int | None:
        """``value`` if it is in this range, else None."""
        if not isinstance(value, int) or isinstance(value, bool):
            return None
        return value if value in range(self.low, self.high + 1, self.step) else None

    def contains(self, value: object) -> bool:
        """Whether ``value`` is one of the values."""
        return self.member(value) is not None


@dataclass(frozen=True)
class FloatRange:
    """Numbers from ``low`` to ``high``, both included: all of them, or every ``step``.

    ``log``: drawn evenly in their logarithm. ``high`` is lowered to the last number that the steps reach. Steps are
    exact in decimals (0.1, 0.2, 0.3). SpaceError for an invalid range.

    >>> list(FloatRange(0.0, 0.35, 0.1).values())
    [0.0, 0.1, 0.2, 0.3]
    """

    low: float
    high: float
    step: float | None = None
    log: bool = False

    def __post_init__(self) -> None:
        for name in ("low", "high") if self.step is None else ("low", "high", "step"):
            object.__setattr__(self, name, _finite(getattr(self, name)))
        _check_range(self.low, self.high, self.step, self.log)
        if self.step is None:
            return
        if self.log:
            raise SpaceError(f"log and step cannot go together, got step {self.step}; leave one out")
        object.__setattr__(self, "high", self._at(self._steps()))

    def __str__(self) -> str:
        step = f" in steps of {self.step}" if self.step is not None else ""
        return f"{self.low} to {self.high}{step}{' (log)' if self.log else ''}"

    @property
    def first(self) -> float:
        """The lowest value."""
        return self.low

    def count(self) -> int | None:
        """How many values there are, None for a range without steps."""
        if self.low == self.high:
            return 1
        return None if self.step is None else self._steps() + 1

    def values(self) -> Iterator[float]:
        """Every value, lowest first; SpaceError for a range without steps."""
        count = self.count()
        if count is None:
            raise SpaceError("a continuous range has no list of values; give it a step or a choice")
        return (self._at(step) for step in range(count))

    def at(self, share: float) -> float:
        """The value at ``share``, from 0 to below 1, of the way from the lowest to the highest."""
        if self.step is not None:
            return self._at(int(share * (self._steps() + 1)))
        if self.log:
            return min(self.high, float(self.low * (self.high / self.low) ** share))
        return min(self.high, self.low + share * (self.high - self.low))

    def member(self, value: object) -> float | None:
        """The number of this range that equals ``value`` up to rounding, else None: 0.30000000000000004 is 0.3."""
        slack = _TOLERANCE * max(abs(self.low), abs(self.high))
        if not _is_number(value) or not self.low - slack <= value <= self.high + slack:
            return None
        if self.step is None:
            return min(max(float(value), self.low), self.high)
        near = self._at(round((value - self.low) / self.step))
        return near if abs(value - near) <= slack else None

    def contains(self, value: object) -> bool:
        """Whether ``value`` is one of the values, up to rounding."""
        return self.member(value) is not None

    def _steps(self) -> int:
        return (_exact(self.high) - _exact(self.low)) // _exact(self.step or 1.0)

    def _at(self, step: int) -> float:
        return float(_exact(self.low) + step * _exact(self.step or 0.0))


@dataclass(frozen=True)
class Choice:
    """One of ``options``, in their order. SpaceError when there are none, or one of them twice."""

    options: tuple[Scalar, ...]

    def __post_init__(self) -> None:
        if not self.options:
            raise SpaceError("choice is empty; list at least one value")
        for number, option in enumerate(self.options):
            if not isinstance(option, bool | int | float | str):
                raise SpaceError(f"choice holds {option!r}; expected words, numbers, true or false")
            if any(_same(option, other) for other in self.options[:number]):
                raise SpaceError(f"choice lists {format_value(option)} twice; list each value once")

    def __str__(self) -> str:
        return ", ".join(map(format_value, self.options))

    @property
    def first(self) -> Scalar:
        """The option listed first."""
        return self.options[0]

    def count(self) -> int:
        """How many options there are."""
        return len(self.options)

    def values(self) -> Iterator[Scalar]:
        """Every option, in its order."""
        return iter(self.options)

    def at(self, share: float) -> Scalar:
        """The option at ``share``, from 0 to below 1, of the way from the first to the last."""
        return self.options[int(share * len(self.options))]

    def member(self, value: object) -> Scalar | None:
        """The option that equals ``value`` (true is not 1), None when there is no such option."""
        return next((option for option in self.options if _same(option, value)), None)

    def contains(self, value: object) -> bool:
        """Whether ``value`` is one of the options."""
        return self.member(value) is not None


Domain = IntRange | FloatRange | Choice


def _check_range(low: float, high: float, step: float | None, log: bool) -> None:
    if not isinstance(log, bool):
        raise SpaceError(f"log: expected true or false, got {log!r}")
    if low > high:
        raise SpaceError(f"the range is reversed: {low} is above {high}; write the lowest first")
    if log and low <= 0:
        raise SpaceError(f"log needs a lowest value above 0, got {low}")
    if step is not None and step <= 0:
        raise SpaceError(f"step: expected a number above 0, got {step}")
    if step is not None and low < high < low + step:
        raise SpaceError(f"step {step} is longer than the range {low} to {high}; make it smaller")


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _finite(number: object) -> float:
    if not _is_number(number) or not abs(number) <= sys.float_info.max:
        raise SpaceError(f"expected numbers, got {number!r}")
    return float(number)


def _exact(number: float) -> Fraction:
    return Fraction(repr(number))


def _same(value: object, other: object) -> bool:
    return isinstance(value, bool) == isinstance(other, bool) and value == other
