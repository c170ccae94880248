"""The costs of a network that a space may limit: how a limit is written, and how a cost is formatted."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from pipeline.errors import SpaceError
from pipeline.hyperparameter import format_value

UNITS: Mapping[str, int] = MappingProxyType(
    {"": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
)
"""Bytes in each unit, by the International System of Units and IEC 80000-13."""


def _three_digits(value: float) -> str:
    return f"{float(f'{value:.3g}'):,.15g}"


def _bytes(value: float) -> str:
    unit = next((unit for unit in ("TB", "GB", "MB", "kB") if value >= 0.9995 * UNITS[unit]), "")
    return f"{_three_digits(value / UNITS[unit])} {unit or 'bytes'}"


@dataclass(frozen=True)
class Cost:
    """A kind of cost of a network.

    A limit on it is a number above ``least``, a whole number if ``whole``, or the text of such a number with one of
    ``units`` (keys of ``UNITS``). ``expected`` describes this in messages. ``format`` writes a cost with its unit.
    """

    help: str
    format: Callable[[float], str] = "{:,.0f}".format
    expected: str = "a whole number above 0"
    whole: bool = True
    units: tuple[str, ...] = ("",)
    least: float = 0


COSTS: Mapping[str, Cost] = MappingProxyType(
    {
        "parameters": Cost("trainable parameters"),
        "macs": Cost("multiply-accumulate operations for one image"),
        "memory": Cost(
            "bytes of a training step at the recipe's batch size, such as 2_000_000_000 or 2GB",
            format=_bytes,
            expected="bytes above 0 (more than 1 MB), such as 2_000_000_000 or 2GB",
            units=tuple(UNITS),
            least=10**6,  # a lower limit has a wrong unit: no training step needs so little
        ),
        "latency_ms": Cost(
            "milliseconds of a forward pass of one image, predicted for this machine",
            format=lambda value: f"{_three_digits(value)} ms",
            expected="milliseconds above 0",
            whole=False,
        ),
    }
)
"""All costs of a network, by name."""


def parse_limit(name: str, value: Any) -> float:
    """The limit on the cost ``name`` (a key of ``COSTS``): a number, or the text of one.

    SpaceError, which begins with the name, for anything else.

    >>> parse_limit("macs", "5_000_000"), parse_limit("memory", "2GB")
    (5000000, 2000000000)
    """
    cost = COSTS[name]
    number = _number(value, cost.units)
    if number is None or not cost.least < number < math.inf or (cost.whole and number % 1):
        raise SpaceError(f"{name}: expected {cost.expected}, got {format_value(value)}")
    return int(number) if cost.whole else number


def _number(value: Any, units: tuple[str, ...]) -> float | None:
    if isinstance(value, int | float):
        return None if isinstance(value, bool) else value
    match = re.fullmatch(rf"(\d{{1,18}}(?:\.\d{{1,18}})?)\s*({'|'.join(units)})", str(value).replace("_", ""))
    if match is None:
        return None
    return round(float(match[1]) * UNITS[match[2]]) if match[2] else float(match[1])
