"""The trials of a study as a table: a pandas frame, CSV text and plain values for JSON."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from pipeline.record import Record
from pipeline.report.compact import in_order

COLUMNS = ("number", "state", "value", "epochs", "seconds", "parameters", "macs", "reason")


def cells(record: Record) -> dict[str, Any]:
    """The values of ``COLUMNS`` for one record; what is unknown, or no finite number, is None."""
    outcome = record.outcome
    value = outcome.value if outcome.value is not None and math.isfinite(outcome.value) else None
    return {
        "number": record.number,
        "state": record.state.value,
        "value": value,
        "epochs": outcome.epochs,
        "seconds": round(outcome.seconds, 2),
        "parameters": record.parameters,
        "macs": record.macs,
        "reason": outcome.reason,
    }


def parameter_names(records: Iterable[Record]) -> list[str]:
    """Every parameter of the records, those of one group (``filters_1``, ``filters_2``) side by side."""
    return in_order(name for record in records for name in record.values)


def table(records: Sequence[Record], among: Sequence[Record] = ()) -> pd.DataFrame:
    """A row a trial, in the order given: ``COLUMNS``, then a column a parameter of the records or of those ``among``.

    ``value`` is a float (NaN: the trial has none). A parameter that a trial does not have is None there, and the
    column keeps the values' own types.
    """
    frame = pd.DataFrame([cells(record) for record in records], columns=list(COLUMNS)).astype({"value": float})
    names = parameter_names([*among, *records])
    values = {name: pd.Series([record.values.get(name) for record in records], dtype=object) for name in names}
    return pd.concat([frame, pd.DataFrame(values, columns=names, index=frame.index)], axis=1)


def csv_text(records: Sequence[Record], among: Sequence[Record] = ()) -> str:
    """The ``table`` as CSV; what a trial does not have is an empty cell."""
    text: str = table(records, among).to_csv(index=False, lineterminator="\n")
    return text


def as_json(records: Sequence[Record]) -> list[dict[str, Any]]:
    """One object a trial: number, state, value (or None), params, epochs, seconds, parameters, macs, reason."""
    return [_with_params(cells(record), record) for record in records]


def _with_params(row: dict[str, Any], record: Record) -> dict[str, Any]:
    head = {name: row.pop(name) for name in ("number", "state", "value")}
    return {**head, "params": dict(record.values), **row}
