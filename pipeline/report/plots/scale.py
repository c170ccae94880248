"""The values of one hyperparameter along an axis, and the choice of the hyperparameters that are worth one."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.ticker import MaxNLocator

from pipeline.hyperparameter import Scalar
from pipeline.report.formatting import format_value, order_names
from pipeline.report.plots.figure import score_of, shorten
from pipeline.study.record import TrialRecord, ranked

ABSENT = -0.25
"""Where on an axis from 0 to 1 the trials are that do not have the hyperparameter."""

_ABSENT_LABEL = "unused"

_MOST_AXES = 12
"""The most hyperparameters that one plot shows."""

_FEW, _FEWEST = 8, 3
"""Numbers with at most so many different values have a tick for each, at equal distances: the first if trials share
values, the second always."""

_DECADES = 20.0
"""Numbers whose largest value is at least so many times the smallest have a logarithmic axis."""

_SPREAD = 0.07
"""How far apart trials with the same value lie at most, on an axis from 0 to 1."""

_GOLDEN = 0.618034

_MOST_TICKS = 9
_LABEL = 14
"""The most ticks of an axis, and the most characters of a tick."""


@dataclass(frozen=True)
class Scale:
    """An axis from 0 to 1: the place of each value of a hyperparameter, and the ticks with their texts.

    ``places`` has every value that was asked for; None, for a trial without the hyperparameter, is at ``ABSENT``.
    """

    places: Mapping[Scalar | None, float]
    ticks: tuple[tuple[float, str], ...]
    equidistant: bool = False

    def place(self, record: TrialRecord, name: str) -> float:
        """The place of a trial's value; on equidistant ticks beside it, by its number, so that few trials cover others.

        The golden ratio spreads consecutive numbers evenly.
        """
        value = record.params.get(name)
        beside = (record.number * _GOLDEN % 1 - 0.5) * _SPREAD if self.equidistant or value is None else 0.0
        return self.places[value] + beside

    @classmethod
    def of(cls, values: Sequence[Scalar | None]) -> "Scale":
        """The scale for these values.

        Words, switches and few different numbers are ticks at equal distances; other numbers lie on a linear axis, or
        on a logarithmic one if they span decades.
        """
        present = [value for value in values if value is not None]
        distinct = _sorted(present)
        numeric = all(isinstance(value, int | float) and not isinstance(value, bool) for value in distinct)
        if numeric and (len(distinct) > _FEW or 2 * len(distinct) > len(present)) and len(distinct) > _FEWEST:
            equidistant = False
            places, ticks = _continuous([value for value in distinct if isinstance(value, int | float)])
        else:
            equidistant = True
            places, ticks = _equidistant(distinct)
        if len(present) < len(values):
            places, ticks = {**places, None: ABSENT}, [(ABSENT, _ABSENT_LABEL), *ticks]
        return cls(places, tuple(ticks), equidistant)


def varied(records: Sequence[TrialRecord], importances: Mapping[str, float]) -> list[str]:
    """The hyperparameters that were searched and differ between the records, at most 12: the most important ones.

    They are in the order of the space. A trial that has no value differs from those that have one.
    """
    names = order_names(name for record in records for name in record.drawn)
    differing = [name for name in names if len({record.params.get(name) for record in records}) > 1]
    kept = sorted(differing, key=lambda name: -importances.get(name, 0.0))[:_MOST_AXES]
    return [name for name in differing if name in kept]


def count_varied(records: Sequence[TrialRecord]) -> int:
    """How many searched hyperparameters differ between the records."""
    names = {name for record in records for name in record.drawn}
    return sum(len({record.params.get(name) for record in records}) > 1 for name in names)


def scored(records: Sequence[TrialRecord]) -> list[TrialRecord]:
    """The trials that have ended with a finite score, the worst first."""
    finite = [record for record in ranked(records) if math.isfinite(score_of(record))]
    return sorted(finite, key=lambda record: -record.metric.loss(score_of(record)))


def _sorted(values: Sequence[Scalar]) -> list[Scalar]:
    """The different values: numbers rising, then words in the order of the alphabet."""
    return sorted(dict.fromkeys(values), key=lambda value: (isinstance(value, str), value))


def _equidistant(values: Sequence[Scalar]) -> tuple[dict[Scalar | None, float], list[tuple[float, str]]]:
    last = max(len(values) - 1, 1)
    places: dict[Scalar | None, float] = {
        value: index / last if len(values) > 1 else 0.5 for index, value in enumerate(values)
    }
    ticks = [(places[value], shorten(format_value(value), _LABEL)) for value in values]
    return places, ticks[:: math.ceil(len(ticks) / _MOST_TICKS)] if ticks else []


def _continuous(values: Sequence[float]) -> tuple[dict[Scalar | None, float], list[tuple[float, str]]]:
    low, high = values[0], values[-1]
    log = low > 0 and high / low >= _DECADES

    def place(value: float) -> float:
        at, start, end = (math.log(number) if log else number for number in (value, low, high))
        share = (at - start) / (end - start)
        return min(max(share, 0.0), 1.0)  # the logarithm of a power of ten at an end may be rounded beyond it

    ticks = _powers_of_ten(low, high) if log else _round_numbers(low, high, all(isinstance(v, int) for v in values))
    return {value: place(value) for value in values}, [(place(tick), format_value(tick)) for tick in ticks]


def _powers_of_ten(low: float, high: float) -> list[float]:
    """The powers of ten within the range; its ends where there is only one."""
    powers = [10.0**power for power in range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)]
    return powers[:: math.ceil(len(powers) / _MOST_TICKS)] if len(powers) > 1 else [low, high]


def _round_numbers(low: float, high: float, whole: bool) -> list[float]:
    ticks = MaxNLocator(4, integer=whole).tick_values(low, high)
    return [int(tick) if whole else float(tick) for tick in ticks if low <= tick <= high]
