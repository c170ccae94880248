"""The costs of a network that a space may limit: how a limit is written, and how a cost is formatted."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from pipeline.errors import SpaceError
from pipeline.hyperparameter import format_value
from pipeline.quantity import BYTES, COUNT, MILLISECONDS, Units, format_bytes, parse_quantity, three_digits
from pipeline.study.objective import MINIMIZED


@dataclass(frozen=True)
class Cost:
    """A kind of cost of a network.

    A limit on it is a number above ``least``, a whole number if ``whole``, or the text of such a number, which may have
    one of the ``units``. ``expected`` describes this in messages. ``format`` writes a cost with its unit.
    """

    help: str
    format: Callable[[float], str] = "{:,.0f}".format
    expected: str = "a whole number above 0 such as 5_000_000 or 5M"
    whole: bool = True
    units: Units = field(default_factory=lambda: COUNT)
    least: float = 0


COSTS: Mapping[str, Cost] = MappingProxyType(
    {
        "parameters": Cost("trainable parameters"),
        "macs": Cost("multiply-accumulate operations for one image"),
        "memory": Cost(
            "bytes of a training step at the recipe's batch size, such as 2_000_000_000 or 2GB",
            format=format_bytes,
            expected="bytes above 0 (more than 1 MB), such as 2_000_000_000 or 2GB",
            units=BYTES,
            least=10**6,  # a lower limit has a wrong unit: no training step needs so little
        ),
        "latency_ms": Cost(
            "milliseconds of a forward pass of one image, predicted for this machine",
            format=lambda value: f"{three_digits(value)} ms",
            expected="milliseconds above 0",
            whole=False,
            units=MILLISECONDS,
        ),
    }
)
"""All costs of a network, by name."""


def find_cost(name: Any) -> str | None:
    """The key of ``COSTS`` for a name as tables (``MACs``) and ``--objective`` (``latency``) have it; None if unknown.

    >>> find_cost("MACs"), find_cost("latency"), find_cost("speed")
    ('macs', 'latency_ms', None)
    """
    lowered = str(name).lower()
    key = MINIMIZED.get(lowered, lowered)
    return key if key in COSTS else None


def parse_limit(name: str, value: Any) -> float:
    """The limit on the cost ``name`` (a key of ``COSTS``): a number, or the text of one.

    SpaceError, which begins with the name, for anything else.

    >>> parse_limit("macs", "5M"), parse_limit("memory", "2GB")
    (5000000, 2000000000)
    """
    cost = COSTS[name]
    number = _number(value, cost.units)
    if number is None or not cost.least < number < math.inf or (cost.whole and number % 1):
        raise SpaceError(f"{name}: expected {cost.expected}, got {format_value(value)}")
    return int(number) if cost.whole else number


def _number(value: Any, units: Units) -> float | None:
    if isinstance(value, int | float):
        return None if isinstance(value, bool) else value
    try:
        return parse_quantity(str(value), units)
    except ValueError:
        return None
