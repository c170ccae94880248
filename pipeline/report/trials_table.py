"""The trials of a study as a table: a pandas frame, CSV text, and plain values for JSON."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from pipeline.hyperparameter import Scalar
from pipeline.quantity import COUNT, MILLISECONDS, SECONDS, Units, format_count
from pipeline.report.formatting import format_value, order_names
from pipeline.study.record import TrialRecord

COLUMNS = ("trial", "state", "score", "front", "epochs", "seconds", "parameters", "macs", "latency_ms", "reason")
"""All the columns that a table may have beside those of the hyperparameters, in their order."""

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

    ``front`` is needed where the study minimises costs, ``latency_ms`` where latency was predicted, and all the other
    ``COLUMNS`` always.
    """
    needed = {"front": False, "latency_ms": False}
    for record in records:
        needed["front"] |= bool(record.objective.minimized)
        needed["latency_ms"] |= "latency_ms" in record.costs
    return tuple(name for name in COLUMNS if needed.get(name, True))


def cells(record: TrialRecord) -> dict[str, Any]:
    """The values of all ``COLUMNS`` for one record; None where one is unknown, and for a score that is not finite."""
    result = record.result
    return {
        "trial": record.number,
        "state": record.state.value,
        "score": record.score if record.score is not None and math.isfinite(record.score) else None,
        "front": record.front if record.objective.minimized else None,
        "epochs": result.epochs,
        "seconds": round(result.seconds, 2),
        "parameters": record.parameters,
        "macs": record.macs,
        "latency_ms": round(record.costs["latency_ms"], 4) if "latency_ms" in record.costs else None,
        "reason": result.reason,
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


def as_frame(records: Sequence[TrialRecord], among: Sequence[TrialRecord] = ()) -> pd.DataFrame:
    """One row per trial in the order given: the needed columns, then one column per hyperparameter.

    The columns are those that the records and ``among`` need. ``score`` is a float, NaN where a trial has none. A
    param that a trial does not have is None, and the others keep their own types.
    """
    names = list(needed_columns([*among, *records]))
    frame = pd.DataFrame([cells(record) for record in records], columns=names).astype({"score": float})
    rows = [param_cells(record) for record in records]
    param_names = param_columns([*among, *records])
    params = {name: pd.Series([row.get(name) for row in rows], dtype=object) for name in param_names}
    return pd.concat([frame, pd.DataFrame(params, columns=param_names, index=frame.index)], axis=1)


def as_csv(records: Sequence[TrialRecord], among: Sequence[TrialRecord] = ()) -> str:
    """The frame as CSV; a value that a trial does not have is an empty cell."""
    text: str = as_frame(records, among).to_csv(index=False, lineterminator="\n")
    return text


def as_json(records: Sequence[TrialRecord]) -> list[dict[str, Any]]:
    """One object per trial: its number, state, score (or None) and params, then the other needed columns."""
    columns = needed_columns(records)
    return [_as_object(record, columns) for record in records]


def _as_object(record: TrialRecord, columns: Sequence[str]) -> dict[str, Any]:
    row = {name: cell for name, cell in cells(record).items() if name in columns}
    head = {name: row.pop(name) for name in ("trial", "state", "score")}
    return {**head, "params": dict(record.params), **row}
