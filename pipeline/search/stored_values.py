"""The types of what a storage says of a trial: it may be damaged, or come from somebody else."""

from collections.abc import Callable, Mapping
from typing import Any


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= 1e300


def _is_time(value: Any) -> bool:
    """Whether a value is a point in time: seconds since 1970, and before the year 9000."""
    return _is_number(value) and 0 <= value < 220e9


def _is_duration(value: Any) -> bool:
    """Whether a value is a length of time: from 0 to 1e9 seconds, which are 30 years."""
    return _is_number(value) and 0 <= value < 1e9


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _are_scalars(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(item, bool | int | float | str) for item in value.values())


def _are_costs(value: Any) -> bool:
    return isinstance(value, dict) and all(item is None or _is_number(item) for item in value.values())


def _or_none(is_kind: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or is_kind(value)


_KINDS: Mapping[str, Callable[[Any], bool]] = {
    "number": _is_whole,
    "params": _are_scalars,
    "seed": _is_whole,
    "epochs": _is_whole,
    "costs": _are_costs,
    "began": _or_none(_is_time),
    "slot": _or_none(_is_whole),
    "source": _is_text,
    "state": _is_text,
    "score": _or_none(_is_number),
    "seconds": _is_duration,
    "reason": _is_text,
    "device": _is_text,
    "model": _is_text,
    "decision": _is_text,
    "fault": _is_text,
    "batch_size": _or_none(_is_whole),
}
"""The test that each part of a stored request or outcome must pass."""


def check_values(written: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The values that ``request_of`` or ``outcome_of`` has found; ValueError for None, or a part of another type.

    >>> check_values({"number": 3})
    {'number': 3}
    """
    if written is None:
        raise ValueError("an accepted trial without its request")
    for name, value in written.items():
        if not _KINDS.get(name, _is_any)(value):
            raise ValueError(f"a trial whose {name} is {str(value)[:40]!r}")
    return written


def _is_any(value: Any) -> bool:
    return True
