"""Params, scores and large numbers in few characters."""

import re
from collections.abc import Iterable, Mapping, Sequence

from rich.text import Text

from pipeline.hyperparameter import ABBREVIATIONS, Params, Scalar
from pipeline.metrics import Direction, Metric
from pipeline.study.record import TrialRecord
from pipeline.study.trial import TrialResult, TrialState

_ABSENT = "-"
_UNNUMBERED = -1
"""The position that stands for a name without a number."""

_LONG_WORD = 20
"""The length from which a word may be broken where a line is cut, in characters."""


def format_value(value: Scalar) -> str:
    """A value as people write it in a space file; a float has three significant digits.

    >>> format_value(True), format_value(0.0012345), format_value("max")
    ('true', '0.00123', 'max')
    """
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def describe_score(metric: Metric) -> str:
    """Names the score of a trial, and which way is better.

    >>> from pipeline.metrics import METRICS
    >>> describe_score(METRICS["log_loss"])
    'validation log loss (lower is better)'
    """
    better = "lower" if metric.direction is Direction.MINIMIZE else "higher"
    return f"validation {metric.label} ({better} is better)"


def split_name(name: str) -> tuple[str, int]:
    """The group and the position of a repeated hyperparameter; -1 is the position of a name without a number.

    >>> split_name("filters_2"), split_name("learning_rate")
    (('filters', 2), ('learning_rate', -1))
    """
    match = re.fullmatch(r"(.+)_(0|[1-9]\d?)", name)
    return (match[1], int(match[2])) if match else (name, _UNNUMBERED)


def group_params(params: Params) -> dict[str, dict[int, Scalar]]:
    """The params by group, then by position; groups are in the order in which they first appear.

    >>> group_params({"filters_1": 16, "flip": True, "filters_2": 32})
    {'filters': {1: 16, 2: 32}, 'flip': {-1: True}}
    """
    groups: dict[str, dict[int, Scalar]] = {}
    for name, value in params.items():
        group, position = split_name(name)
        groups.setdefault(group, {})[position] = value
    return groups


def order_names(names: Iterable[str]) -> list[str]:
    """Each name once: groups in the order in which they first appear, positions rising within a group.

    >>> order_names(["filters_10", "flip", "filters_2", "flip"])
    ['filters_2', 'filters_10', 'flip']
    """
    groups: dict[str, set[int]] = {}
    originals = {}
    for name in names:
        group, position = split_name(name)
        groups.setdefault(group, set()).add(position)
        originals[group, position] = name
    return [originals[group, position] for group, positions in groups.items() for position in sorted(positions)]


def drawn_groups(record: TrialRecord) -> list[str]:
    """The groups of the params that the space drew."""
    return list(dict.fromkeys(split_name(name)[0] for name in record.drawn))


def varying_groups(records: Sequence[TrialRecord]) -> list[str]:
    """The groups whose params are not the same in all the records; a missing param differs from every value.

    For a single record, these are the groups that its space drew.
    """
    if len(records) == 1:
        return drawn_groups(records[0])
    grouped = [group_params(record.params) for record in records]
    groups = dict.fromkeys(group for record_groups in grouped for group in record_groups)
    return [group for group in groups if any(other.get(group) != grouped[0].get(group) for other in grouped)]


def format_params(params: Params, groups: Sequence[str]) -> str:
    """The params of the named groups, one word per group; ``-`` stands where a position has no value.

    >>> format_params({"filters_1": 32, "filters_2": 64, "learning_rate": 0.0012}, ["filters", "learning_rate"])
    'filters=32,64 lr=0.0012'
    """
    grouped = group_params(params)
    return " ".join(
        f"{ABBREVIATIONS.get(name, name)}={format_group(grouped[name])}" for name in groups if name in grouped
    )


def format_drawn(record: TrialRecord) -> str:
    """The params that the space drew: those that tell one trial from another."""
    return format_params(record.params, drawn_groups(record))


def displayed_reason(result: TrialResult) -> str:
    """Why a trial ended early, and its smaller batches; of a pruned one, state and epochs say why it ended."""
    return result.batch_note if result.state is TrialState.PRUNED else result.remark


def format_group(group: Mapping[int, Scalar]) -> str:
    """The values of a group: the unnumbered one first, then those from position 0 or 1 to the last; "" for no values.

    >>> format_group({1: 16, 3: 64})
    '16,-,64'
    """
    positions = [_UNNUMBERED] * (_UNNUMBERED in group) + list(range(0 if 0 in group else 1, max(group, default=0) + 1))
    return ",".join(format_value(group[position]) if position in group else _ABSENT for position in positions)


def truncate(line: Text, width: int) -> Text:
    """At most ``width`` columns of the line (at least 1): it is cut between words, with an ellipsis at the end.

    A long word is broken, since otherwise little might be left.

    >>> truncate(Text("lr=0.0021 filters=16,32 kernel=3"), 25).plain
    'lr=0.0021 filters=16,32 …'
    """
    if line.cell_len <= width:
        return line
    kept = line.copy()
    kept.truncate(max(width, 1) - 1)
    end = kept.plain.rfind(" ") + 1
    if end and len(kept.plain) - end < _LONG_WORD:
        kept = kept[:end]
    return kept.append("…")
