"""The trials of a study as a table: CSV text, and plain values for JSON."""

import csv
import io
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pipeline.hyperparameter import Scalar
from pipeline.quantity import COUNT, MILLISECONDS, SECONDS, Units, format_count
from pipeline.report.formatting import format_value, order_names
from pipeline.study.record import TrialRecord

COLUMNS = (
    *("study", "metric", "trial", "state", "score", "front"),
    *("epochs", "seconds", "parameters", "macs", "latency_ms", "reason"),
)
"""All the columns that a table may have beside those of the hyperparameters, in their order."""

_FIRST = ("study", "metric", "trial", "state", "score")
"""The columns before the params, where these are one of them."""

UNITS: Mapping[str, Units] = {"seconds": SECONDS, "parameters": COUNT, "macs": COUNT, "latency_ms": MILLISECONDS}
"""The units in which people may write the values of a column."""

_PRINTED: Mapping[str, Callable[[Any], str]] = {
    "score": "{:.4f}".format,
    "front": lambda front: "yes" if front else "",
    "seconds": "{:,.1f}".format,
    "parameters": format_count,
    "macs": format_count,
    "latency_ms": "{:.3g}".format,
}

ABSENT = "-"
"""The text that tables print where there is no value."""

_PREFIX = "hyperparameter."


def needed_columns(records: Iterable[TrialRecord]) -> tuple[str, ...]:
    """The columns that the records need.

    ``study`` and ``metric`` are needed where trials of several studies are listed together, ``front`` where the study
    minimises costs, ``latency_ms`` where latency was predicted, and all the other ``COLUMNS`` always.
    """
    needed = dict.fromkeys(("study", "metric", "front", "latency_ms"), False)
    for record in records:
        needed["study"] = needed["metric"] = needed["study"] or bool(record.study)
        needed["front"] |= bool(record.objective.minimized)
        needed["latency_ms"] |= "latency_ms" in record.costs
    return tuple(name for name in COLUMNS if needed.get(name, True))


def cells(record: TrialRecord) -> dict[str, Any]:
    """The values of all ``COLUMNS`` for one record; None where one is unknown, and for a score that is not finite."""
    result = record.result
    return {
        "study": record.study,
        "metric": record.metric.name,
        "trial": record.number,
        "state": record.state.value,
        "score": record.score if record.score is not None and math.isfinite(record.score) else None,
        "front": record.front if record.objective.minimized else None,
        "epochs": result.epochs,
        "seconds": round(result.seconds, 2),
        "parameters": record.parameters,
        "macs": record.macs,
        "latency_ms": round(record.costs["latency_ms"], 4) if "latency_ms" in record.costs else None,
        "reason": result.remark,
    }


def print_cell(column: str, value: Any) -> str:
    """A value of a column, or of a hyperparameter's, as the tables for a terminal print it.

    >>> print_cell("macs", 2_134_567), print_cell("learning_rate", 0.0067891), print_cell("score", None)
    ('2.1 M', '0.00679', '-')
    """
    return ABSENT if value is None else _PRINTED.get(column, format_value)(value)


def param_cells(record: TrialRecord) -> dict[str, Scalar]:
    """The params of one record by the names of their columns.

    The hyperparameters of a HyperModel may have any name: one that is called ``epochs``, as one of ``COLUMNS`` is, has
    the column ``hyperparameter.epochs``.
    """
    return {f"{_PREFIX}{name}" if name in COLUMNS else name: value for name, value in record.params.items()}


def param_columns(records: Iterable[TrialRecord]) -> list[str]:
    """The columns of all hyperparameters; repetitions (``filters_1``, ``filters_2``) stand side by side."""
    return order_names(name for record in records for name in param_cells(record))


def csv_columns(records: Sequence[TrialRecord]) -> list[str]:
    """The columns of a CSV file of these records: those that are needed, then one per hyperparameter."""
    return [*needed_columns(records), *param_columns(records)]


def csv_line(cells: Iterable[Any]) -> str:
    """One line of a CSV file; None is an empty cell.

    >>> csv_line(["a, b", 0.5, None, True])
    '"a, b",0.5,,True\\n'
    """
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()


def csv_row(record: TrialRecord, columns: Sequence[str]) -> str:
    """The line of a record; a value that the trial does not have is an empty cell."""
    row = cells(record) | param_cells(record)
    return csv_line(row.get(name) for name in columns)


def as_csv(records: Sequence[TrialRecord], among: Sequence[TrialRecord] = ()) -> str:
    """One line per trial in the order given, below the names of the columns that the records and ``among`` need."""
    columns = csv_columns([*among, *records])
    return "".join([csv_line(columns), *(csv_row(record, columns) for record in records)])


def as_json(records: Sequence[TrialRecord]) -> list[dict[str, Any]]:
    """One object per trial: its number, state, score (or None) and params, then the other needed columns."""
    columns = needed_columns(records)
    return [_as_object(record, columns) for record in records]


def _as_object(record: TrialRecord, columns: Sequence[str]) -> dict[str, Any]:
    row = {name: cell for name, cell in cells(record).items() if name in columns}
    head = {name: row.pop(name) for name in _FIRST if name in row}
    return {**head, "params": dict(record.params), **row}
