"""Hyperparameters and large numbers in few characters."""

import re
from collections.abc import Iterable, Mapping, Sequence

from pipeline.hyperparameter import Scalar, Values
from pipeline.record import Record
from pipeline.trial import Outcome, State

_SHORT = {"learning_rate": "lr"}
_ABSENT = "-"
_ALONE = -1


def text(value: Scalar) -> str:
    """A value as people write it in a space file: ``true``, ``64``, ``0.00123`` (three digits), ``max``."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def count(number: int) -> str:
    """A count with one decimal and its unit: ``950``, ``2.1 M``, ``1.0 G``."""
    if number < 1000:
        return str(number)
    power = next((power for power in (1, 2, 3) if round(number / 1000**power, 1) < 1000), 4)
    return f"{number / 1000**power:,.1f} {'kMGT'[power - 1]}"


def stem(name: str) -> tuple[str, int]:
    """``("filters", 2)`` of ``filters_2``; the position of a name without a number is -1."""
    match = re.fullmatch(r"(.+)_(0|[1-9]\d?)", name)
    return (match[1], int(match[2])) if match else (name, _ALONE)


def grouped(values: Values) -> dict[str, dict[int, Scalar]]:
    """The values by stem and position, in the order of their first appearance."""
    groups: dict[str, dict[int, Scalar]] = {}
    for name, value in values.items():
        key, position = stem(name)
        groups.setdefault(key, {})[position] = value
    return groups


def in_order(names: Iterable[str]) -> list[str]:
    """The names once each: stems as they first appear, their positions rising."""
    stems: dict[str, set[int]] = {}
    originals = {}
    for name in names:
        key, position = stem(name)
        stems.setdefault(key, set()).add(position)
        originals[key, position] = name
    return [originals[key, position] for key, positions in stems.items() for position in sorted(positions)]


def varying(records: Sequence[Record]) -> list[str]:
    """The stems whose values are not the same in all the records; absence is a value of its own.

    Of a single record, those that its space drew.
    """
    if len(records) == 1:
        return list(grouped({name: records[0].values[name] for name in in_order(records[0].varied)}))
    groups = [grouped(record.values) for record in records]
    stems = dict.fromkeys(key for group in groups for key in group)
    return [key for key in stems if any(group.get(key) != groups[0].get(key) for group in groups)]


def compact(values: Values, stems: Sequence[str]) -> str:
    """``blocks=3 filters=32,64,64 lr=0.0012``: the groups named by ``stems``; ``-`` where a position has no value."""
    groups = grouped(values)
    return " ".join(f"{_SHORT.get(key, key)}={_joined(groups[key])}" for key in stems if key in groups)


def telling(outcome: Outcome) -> str:
    """Why a trial ended as it did, or "" where its state has said so: ``pruned after epoch 3`` of a pruned one."""
    said = outcome.state is not State.FAILED and outcome.reason.startswith(outcome.state)
    return "" if said else outcome.reason


def _joined(group: Mapping[int, Scalar]) -> str:
    positions = [_ALONE] * (_ALONE in group) + list(range(0 if 0 in group else 1, max(group) + 1))
    return ",".join(text(group[position]) if position in group else _ABSENT for position in positions)
