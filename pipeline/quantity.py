"""Numbers with units, as tables print them and as people write them: ``1.2 M``, ``2GB``, ``5,000``, ``12 s``; times."""

import math
import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType

Units = Mapping[str, int]
"""The factor of each unit, by its name; upper and lower case do not matter when a unit is read."""

NUMBER: Units = MappingProxyType({})

COUNT: Units = MappingProxyType({"k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12})

BYTES: Units = MappingProxyType(
    {"bytes": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
)
"""By the International System of Units and IEC 80000-13."""

SECONDS: Units = MappingProxyType({"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400})

MILLISECONDS: Units = MappingProxyType({"ms": 1, "s": 1000})

_NUMBER = r"(?P<number>[+-]?(?:[0-9][0-9_]{,20}|[0-9]{1,3}(?:,[0-9]{3}){1,6})(?:\.[0-9]{,20})?(?:[eE][+-]?[0-9]{1,3})?)"


def parse_quantity(text: str, units: Units = NUMBER) -> int | float:
    """The number that a text stands for: in the base unit, an int if it is whole. ValueError if it is no finite number.

    >>> parse_quantity("33.4 k", COUNT), parse_quantity("1_000mib", BYTES), parse_quantity("1,234.5 s", SECONDS)
    (33400, 1048576000, 1234.5)
    """
    match = re.fullmatch(rf"{_NUMBER}\s*(?P<unit>[A-Za-z]*)", text.strip())
    factors = {"": 1} | {unit.lower(): factor for unit, factor in units.items()}
    if match is None or (unit := match["unit"].lower()) not in factors:
        raise ValueError(f"expected {describe_units(units)}")
    value = Decimal(re.sub("[_,]", "", match["number"])) * factors[unit]  # not a float: 4.35 k is 4,350
    if not math.isfinite(float(value)):
        raise ValueError(f"expected {describe_units(units)}")
    return int(value) if value == value.to_integral_value() else float(value)


def describe_units(units: Units) -> str:
    """Describes the expected text: a number, or one with a unit.

    >>> describe_units(NUMBER), describe_units(SECONDS)
    ('a number', 'a number, or one with s, m, min, h or d')
    """
    *first, last = units or [""]
    return f"a number, or one with {', '.join(first)}{' or ' if first else ''}{last}" if units else "a number"


def format_count(number: int) -> str:
    """A count; from 1,000 on with one decimal and a unit (k, M, G or T).

    >>> format_count(950), format_count(2_100_000)
    ('950', '2.1 M')
    """
    if number < 1000:
        return str(number)
    power = next((power for power in (1, 2, 3) if round(number / 1000**power, 1) < 1000), 4)
    return f"{number / 1000**power:,.1f} {'kMGT'[power - 1]}"


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number of things; their ``plural`` is the noun with an s unless it is given.

    >>> counted(1, "trial"), counted(1200, "trial"), counted(0, "study", "studies")
    ('1 trial', '1,200 trials', '0 studies')
    """
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def format_bytes(number: float) -> str:
    """A size with three significant digits.

    >>> format_bytes(3.214e9), format_bytes(900)
    ('3.21 GB', '900 bytes')
    """
    unit = next((unit for unit in ("TB", "GB", "MB", "kB") if number >= 0.9995 * BYTES[unit]), "bytes")
    return f"{three_digits(number / BYTES[unit])} {unit}"


def three_digits(value: float) -> str:
    """A number with three significant digits and thousands separators.

    >>> three_digits(0.012345), three_digits(12345)
    ('0.0123', '12,300')
    """
    return f"{float(f'{value:.3g}'):,.15g}"


def format_time(seconds: float) -> str:
    """A moment, given in seconds since 1970, to the minute and in local time: ``2026-01-31 18:05``."""
    return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M")


def format_seconds(seconds: float) -> str:
    """A time as flags and job files have it, in the largest unit in which it is a whole number.

    >>> format_seconds(600.0), format_seconds(5400.0), format_seconds(1.5)
    ('10m', '90m', '1.5s')
    """
    unit = next((unit for unit in ("h", "m") if seconds % SECONDS[unit] == 0), "s")
    return f"{seconds / SECONDS[unit]:.15g}{unit}"
