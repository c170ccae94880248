"""Limits of a space: costs that no candidate may exceed, how they are written and how costs are shown."""

import math
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from pipeline.errors import SpaceError
from pipeline.space.domain import shown as word

LIMITS: Mapping[str, str] = MappingProxyType(
    {
        "parameters": "trainable parameters",
        "macs": "multiply-accumulate operations for one image",
        "memory": "bytes of a training step at the recipe's batch size, such as 2_000_000_000 or 2GB",
        "latency_ms": "milliseconds of a forward pass of one image, predicted for this machine",
    }
)
UNITS: Mapping[str, int] = MappingProxyType(
    {"": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
)
"""Of bytes, by the International System and IEC 80000-13."""


def parse(name: str, value: Any) -> float:
    """The limit on the cost ``name`` (of ``LIMITS``): a number above 0, or text of one; of memory also ``2GB``.

    All but ``latency_ms`` are whole. SpaceError, which begins with the name, for anything else.
    """
    found = _PARSERS.get(name, _whole)(value)
    if found is None or not _LEAST.get(name, 0) < found < math.inf:
        expected = _EXPECTED.get(name, "a whole number above 0")
        raise SpaceError(f"{name}: expected {expected}, got {word(value)}")
    return found


def shown(name: str, value: float) -> str:
    """The cost ``name`` for people, with its unit: ``1,234``, ``3.2 GB``, ``12.3 ms``."""
    if name == "latency_ms":
        return f"{_three_digits(value)} ms"
    if name == "memory":
        unit = next((unit for unit in ("TB", "GB", "MB", "kB") if value >= 0.9995 * UNITS[unit]), "")
        return f"{_three_digits(value / UNITS[unit])} {unit or 'bytes'}"
    return f"{value:,.0f}"


def _three_digits(value: float) -> str:
    return f"{float(f'{value:.3g}'):,.15g}"


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    text = str(value).replace("_", "")
    return float(text) if re.fullmatch(r"\d{1,18}(\.\d{1,18})?", text) else None


def _whole(value: Any) -> float | None:
    number = _number(value)
    return int(number) if number is not None and number % 1 == 0 else None


def _bytes(value: Any) -> float | None:
    unit = re.search(r"\s*([A-Za-z]*)$", value) if isinstance(value, str) else None
    if unit is None or unit[1] not in UNITS:
        return _whole(value)
    number = _number(value[: unit.start()])
    return None if number is None else round(number * UNITS[unit[1]])


_PARSERS: Mapping[str, Callable[[Any], float | None]] = {"memory": _bytes, "latency_ms": _number}
_LEAST = {"memory": 10**6}
"""Below are mistaken units: no training step needs so little."""
_EXPECTED = {
    "memory": "bytes above 0, more than 1 MB of them, such as 2_000_000_000 or 2GB",
    "latency_ms": "milliseconds above 0",
}
