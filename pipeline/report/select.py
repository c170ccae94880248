"""Which trials to show, and in which order. Conditions are compared, never evaluated as code."""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.errors import JobError, nearest
from pipeline.hyperparameter import Scalar
from pipeline.record import Record
from pipeline.report.table import COLUMNS, cells, columns, parameter_names, parameters
from pipeline.trial import State
from pipeline.yaml_file import scalar

_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_KINDS = dict.fromkeys(COLUMNS, "number") | {"state": "word", "reason": "word", "front": "flag"}


@dataclass(frozen=True)
class Selection:
    """``where`` are conditions such as ``value>=0.9``, of which all must hold; ``top`` keeps the first ones."""

    where: tuple[str, ...] = ()
    sort: str = "number"
    reverse: bool = False
    top: int | None = None

    def of(self, records: Sequence[Record]) -> list[Record]:
        """The chosen records in order; a trial without the sorting column comes last, in both directions.

        A trial that lacks a column fulfils only ``!=`` on it. Raises JobError for a column that is not there (with the
        nearest one), and for a condition whose value does not suit its column.
        """
        if not records:
            return []
        tests = [_condition(text, records) for text in self.where]
        chosen = [record for record in records if all(test(record) for test in tests)]
        return self._sorted(chosen, _column(self.sort, records, "--sort"))[: self.top]

    def _sorted(self, records: list[Record], column: "_Column") -> list[Record]:
        present = [record for record in records if column.cell(record) is not None]
        absent = [record for record in records if column.cell(record) is None]
        return sorted(present, key=lambda record: _rank(column.cell(record)), reverse=self.reverse) + absent


@dataclass(frozen=True)
class _Column:
    """One column: its name, and the kind of what stands in it (``number``, ``flag`` or ``word``)."""

    name: str
    kind: str

    def cell(self, record: Record) -> Scalar | None:
        found: Scalar | None = cells(record)[self.name] if self.name in COLUMNS else parameters(record).get(self.name)
        return found


def _column(name: str, records: Sequence[Record], flag: str) -> _Column:
    known = [*columns(records), *parameter_names(records)]
    if name not in known:
        raise JobError(f"{flag}: unknown column {name!r}{nearest(name, known)}; columns are {', '.join(known)}")
    if name in _KINDS:
        return _Column(name, _KINDS[name])
    kinds = {_kind(row[name]) for row in map(parameters, records) if name in row}
    return _Column(name, kinds.pop() if len(kinds) == 1 else "word")


def _kind(value: Scalar) -> str:
    if isinstance(value, bool):
        return "flag"
    return "number" if isinstance(value, int | float) else "word"


def _rank(value: Scalar | None) -> tuple[bool, Any]:
    """Numbers and flags before words, so that a column of both can be sorted."""
    return (True, value) if isinstance(value, str) else (False, value)


def _condition(text: str, records: Sequence[Record]) -> Callable[[Record], bool]:
    match = re.fullmatch(r"\s*([^=!<>]*?)\s*(!=|<=|>=|=|<|>)\s*(.*?)\s*", text)
    if match is None or not match[1] or not match[3]:
        raise JobError(
            f"--where: expected COLUMN, one of {' '.join(_OPERATORS)}, and a value such as value>=0.9, got {text!r}"
        )
    name, symbol, written = match.groups()
    column = _column(name, records, f"--where {text!r}")
    wanted = _wanted(column, symbol, written, text)
    compare = _OPERATORS[symbol]

    def holds(record: Record) -> bool:
        cell = column.cell(record)
        if cell is None:
            return symbol == "!="
        return compare(_text(cell) if column.kind == "word" else cell, wanted)

    return holds


def _wanted(column: _Column, symbol: str, written: str, where: str) -> Scalar:
    """The value of a condition in the type of its column."""
    if column.kind == "number":
        return _number(column, written, where)
    if symbol not in ("=", "!="):
        raise JobError(f"--where {where!r}: {column.name} has no order; use = or !=")
    if column.kind == "flag":
        return _flag(column, written, where)
    states = [state.value for state in State]
    if column.name == "state" and written not in states:
        raise JobError(
            f"--where {where!r}: unknown state {written!r}{nearest(written, states)}; states are {', '.join(states)}"
        )
    return written


def _number(column: _Column, written: str, where: str) -> float:
    try:
        value = scalar(written)
    except ValueError:
        value = written
    if _kind(value) != "number":
        raise JobError(f"--where {where!r}: {column.name} is a number, got {written!r}")
    return value  # type: ignore[return-value]


def _flag(column: _Column, written: str, where: str) -> bool:
    if written not in ("true", "false"):
        raise JobError(f"--where {where!r}: {column.name} is true or false, got {written!r}")
    return written == "true"


def _text(cell: Scalar) -> str:
    return str(cell).lower() if isinstance(cell, bool) else str(cell)
