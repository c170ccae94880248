"""Selects the trials to show and their order. Conditions are parsed and compared, never evaluated as code."""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.errors import JobError, nearest
from pipeline.hyperparameter import Scalar
from pipeline.report.trials_table import COLUMNS, cells, needed_columns, param_cells, param_columns
from pipeline.study.record import TrialRecord
from pipeline.study.trial import TrialState
from pipeline.yaml_file import parse_scalar

_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_KINDS = dict.fromkeys(COLUMNS, "number") | {"state": "word", "reason": "word", "front": "flag"}
_OTHER_WORDS = {"value": ", did you mean 'score'?", "values": ", did you mean 'score', or the name of a param?"}
"""Advice for Optuna's words, which are spelled nothing like ours."""


@dataclass(frozen=True)
class Selection:
    """Which trials to show: those that meet all conditions in ``where`` (such as ``score>=0.9``), sorted by a column.

    ``top`` keeps only the first ones.
    """

    where: tuple[str, ...] = ()
    sort: str = "number"
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
    """A column: its name, and the kind of its values (``number``, ``flag`` or ``word``)."""

    name: str
    kind: str

    def cell(self, record: TrialRecord) -> Scalar | None:
        value: Scalar | None = cells(record)[self.name] if self.name in COLUMNS else param_cells(record).get(self.name)
        return value


def _find_column(name: str, records: Sequence[TrialRecord], flag: str) -> _Column:
    columns = [*needed_columns(records), *param_columns(records)]
    if name not in columns:
        advice = _OTHER_WORDS.get(name) or nearest(name, columns)
        raise JobError(f"{flag}: unknown column {name!r}{advice}; columns are {', '.join(columns)}")
    if name in _KINDS:
        return _Column(name, _KINDS[name])
    kinds = {_kind(params[name]) for params in map(param_cells, records) if name in params}
    return _Column(name, kinds.pop() if len(kinds) == 1 else "word")


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
    column = _find_column(name, records, f"--where {text!r}")
    limit = _parse_value(column, symbol, written, text)
    compare = _OPERATORS[symbol]

    def holds(record: TrialRecord) -> bool:
        cell = column.cell(record)
        if cell is None:
            return symbol == "!="
        return compare(_as_word(cell) if column.kind == "word" else cell, limit)

    return holds


def _parse_value(column: _Column, symbol: str, written: str, where: str) -> Scalar:
    """The value that a condition compares with, in the type of its column."""
    if column.kind == "number":
        return _parse_number(column, written, where)
    if symbol not in ("=", "!="):
        raise JobError(f"--where {where!r}: {column.name} has no order; use = or !=")
    if column.kind == "flag":
        return _parse_flag(column, written, where)
    states = [state.value for state in TrialState]
    if column.name == "state" and written not in states:
        raise JobError(
            f"--where {where!r}: unknown state {written!r}{nearest(written, states)}; states are {', '.join(states)}"
        )
    return written


def _parse_number(column: _Column, written: str, where: str) -> float:
    try:
        value = parse_scalar(written)
    except ValueError:
        value = written
    if isinstance(value, bool | str):
        raise JobError(f"--where {where!r}: {column.name} is a number, got {written!r}")
    return value


def _parse_flag(column: _Column, written: str, where: str) -> bool:
    if written not in ("true", "false"):
        raise JobError(f"--where {where!r}: {column.name} is true or false, got {written!r}")
    return written == "true"


def _as_word(cell: Scalar) -> str:
    """A value as it is written in a condition.

    >>> _as_word(True), _as_word("adam")
    ('true', 'adam')
    """
    return str(cell).lower() if isinstance(cell, bool) else str(cell)
