"""Selects the trials to show and their order. Conditions are parsed and compared, never evaluated as code."""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.errors import JobError, nearest
from pipeline.hyperparameter import ABBREVIATIONS, Scalar
from pipeline.quantity import NUMBER, describe_units, parse_quantity
from pipeline.report.formatting import format_group, format_value, group_params
from pipeline.report.trials_table import (
    ABSENT,
    COLUMNS,
    UNITS,
    cells,
    needed_columns,
    param_cells,
    param_columns,
    print_cell,
)
from pipeline.study.record import TrialRecord, ranked
from pipeline.study.trial import TrialState

_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_WORDS = ("study", "metric", "state", "reason")
_KINDS = dict.fromkeys(COLUMNS, "number") | dict.fromkeys(_WORDS, "word") | {"front": "flag"}
_RANK = "rank"
_OTHER_NAMES = {"number": "trial", "latency": "latency_ms", **{short: name for name, short in ABBREVIATIONS.items()}}
"""Names that tables, objectives and older versions have for a column."""
_OTHER_WORDS = {"value": ", did you mean 'score'?", "values": ", did you mean 'score', or the name of a param?"}
"""Advice for Optuna's words, which are spelled nothing like ours."""
_FLAGS = {"true": True, "yes": True, "false": False, "no": False}


@dataclass(frozen=True)
class Selection:
    """Which trials to show: those that meet all conditions in ``where`` (such as ``score>=0.9``), sorted by a column.

    ``top`` keeps only the first ones.
    """

    where: tuple[str, ...] = ()
    sort: str = "trial"
    reverse: bool = False
    top: int | None = None

    def of(self, records: Sequence[TrialRecord]) -> list[TrialRecord]:
        """The selected records in order; a trial without a value in the sorting column comes last, in both directions.

        A trial without a value in a condition's column meets only ``!=``. Raises JobError for an unknown column
        (with the nearest one), and for a condition whose value does not suit its column.
        """
        if not records:
            return []
        conditions = [_parse_condition(text, records) for text in self.where]
        selected = [record for record in records if all(condition(record) for condition in conditions)]
        return self._sorted(selected, _find_column(self.sort, records, "--sort"))[: self.top]

    def _sorted(self, records: list[TrialRecord], column: "_Column") -> list[TrialRecord]:
        present = [record for record in records if column.cell(record) is not None]
        absent = [record for record in records if column.cell(record) is None]
        return sorted(present, key=lambda record: _sort_key(column.cell(record)), reverse=self.reverse) + absent


@dataclass(frozen=True)
class _Column:
    """A column: its name, the kind of its values (``number``, ``flag`` or ``word``), and the value of each record."""

    name: str
    kind: str
    cell: Callable[[TrialRecord], Scalar | None]


def _find_column(name: str, records: Sequence[TrialRecord], flag: str) -> _Column:
    """The column of that name, whatever the case of its letters; JobError for an unknown one."""
    columns = [*needed_columns(records), _RANK, *param_columns(records)]
    spellings = {column.lower(): column for column in reversed(columns)}
    key = name if name in columns else spellings.get(_OTHER_NAMES.get(name.lower(), name.lower()))
    if key is None:
        advice = _OTHER_WORDS.get(name) or nearest(name, columns)
        raise JobError(f"{flag}: unknown column {name!r}{advice}; columns are {', '.join(columns)}")
    if key == _RANK and _RANK not in param_columns(records):
        ranks = {_key(record): rank for rank, record in enumerate(ranked(records), 1)}
        return _Column(key, "number", lambda record: ranks.get(_key(record)))
    if key in _KINDS:
        return _Column(key, _KINDS[key], lambda record: cells(record)[key])
    kinds = {_kind(params[key]) for params in map(param_cells, records) if key in params}
    return _Column(key, kinds.pop() if len(kinds) == 1 else "word", lambda record: param_cells(record).get(key))


def _find_group(name: str, records: Sequence[TrialRecord]) -> _Column | None:
    """The values of a repeated hyperparameter as one word, such as ``16,32`` for ``filters``: as tables print them."""
    grouped = {_key(record): group_params(record.params) for record in records}
    if name in (*COLUMNS, *param_columns(records)) or not any(name in groups for groups in grouped.values()):
        return None
    return _Column(name, "word", lambda record: format_group(grouped[_key(record)].get(name, {})) or None)


def _key(record: TrialRecord) -> tuple[str, int]:
    return record.study, record.number


def _kind(value: Scalar) -> str:
    if isinstance(value, bool):
        return "flag"
    return "number" if isinstance(value, int | float) else "word"


def _sort_key(value: Scalar | None) -> tuple[bool, Any]:
    """Puts numbers and flags before words, so that a column of both can be sorted."""
    return (True, value) if isinstance(value, str) else (False, value)


def _parse_condition(text: str, records: Sequence[TrialRecord]) -> Callable[[TrialRecord], bool]:
    match = re.fullmatch(r"\s*([^=!<>]*?)\s*(!=|<=|>=|=|<|>)\s*(.*?)\s*", text)
    if match is None or not match[1] or not match[3]:
        raise JobError(
            f"--where: expected COLUMN, one of {' '.join(_OPERATORS)}, and a value such as score>=0.9, got {text!r}"
        )
    name, symbol, written = match.groups()
    where = f"--where {text!r}"
    column = _find_group(name, records) or _find_column(name, records, where)
    absent = written == ABSENT
    limit = written if absent else _parse_value(column, symbol, written, where)
    compare = _OPERATORS[symbol]

    def holds(record: TrialRecord) -> bool:
        cell = column.cell(record)
        if cell is None or absent:
            return (cell is None) == absent if symbol == "=" else symbol == "!=" and (cell is None) != absent
        return compare(_as_written(column, cell, limit), limit)

    return holds


def _as_written(column: _Column, cell: Scalar, limit: Scalar) -> Scalar:
    """The value as a condition compares it: a number is the limit if tables print it so, since they print few digits.

    >>> _as_written(_Column("score", "number", lambda record: None), 0.974659, 0.9747)
    0.9747
    """
    if column.kind == "word":
        return next((text for text in (_as_word(cell), format_value(cell)) if text == limit), _as_word(cell))
    if column.kind == "number" and _parse_number(column, print_cell(column.name, cell)) == limit:
        return limit
    return cell


def _parse_value(column: _Column, symbol: str, written: str, where: str) -> Scalar:
    """The value that a condition compares with, in the type of its column."""
    if column.kind == "number":
        if (number := _parse_number(column, written)) is None:
            expected = describe_units(UNITS.get(column.name, NUMBER))
            raise JobError(f"{where}: {column.name} is {expected}, got {written!r}")
        return number
    if symbol not in ("=", "!="):
        raise JobError(f"{where}: {column.name} has no order; use = or !=")
    if column.kind == "flag":
        if written.lower() not in _FLAGS:
            raise JobError(f"{where}: {column.name} is true or false, got {written!r}")
        return _FLAGS[written.lower()]
    return _parse_state(written, where) if column.name == "state" else written


def _parse_number(column: _Column, written: str) -> float | None:
    try:
        return parse_quantity(written, UNITS.get(column.name, NUMBER))
    except ValueError:
        return None


def _parse_state(written: str, where: str) -> str:
    states = [state.value for state in TrialState]
    if written.lower() not in states:
        raise JobError(f"{where}: unknown state {written!r}{nearest(written, states)}; states are {', '.join(states)}")
    return written.lower()


def _as_word(cell: Scalar) -> str:
    """A value as it is written in a condition.

    >>> _as_word(True), _as_word("adam")
    ('true', 'adam')
    """
    return str(cell).lower() if isinstance(cell, bool) else str(cell)
