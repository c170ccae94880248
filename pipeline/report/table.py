"""The trials of a study as a table: a pandas frame, CSV text and plain values for JSON."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from pipeline.hyperparameter import Scalar
from pipeline.record import Record
from pipeline.report.compact import in_order

COLUMNS = ("number", "state", "value", "front", "epochs", "seconds", "parameters", "macs", "latency_ms", "reason")
"""All there may be, in their order."""


def columns(records: Iterable[Record]) -> tuple[str, ...]:
    """Those of ``COLUMNS`` that the records need: ``front`` in a study that has one, ``latency_ms`` where predicted."""
    needed = {"front": False, "latency_ms": False}
    for record in records:
        needed["front"] |= bool(record.minimised)
        needed["latency_ms"] |= "latency_ms" in record.costs
    return tuple(name for name in COLUMNS if needed.get(name, True))


def cells(record: Record) -> dict[str, Any]:
    """The values of ``COLUMNS`` for one record; what is unknown, or no finite number, is None."""
    outcome = record.outcome
    value = outcome.value if outcome.value is not None and math.isfinite(outcome.value) else None
    return {
        "number": record.number,
        "state": record.state.value,
        "value": value,
        "front": record.front if record.minimised else None,
        "epochs": outcome.epochs,
        "seconds": round(outcome.seconds, 2),
        "parameters": record.parameters,
        "macs": record.macs,
        "latency_ms": _rounded(record.costs.get("latency_ms")),
        "reason": outcome.reason,
    }


def parameters(record: Record) -> dict[str, Scalar]:
    """The values of a record by the names of their columns.

    That is ``parameter.epochs`` for one called as one of ``COLUMNS`` is; a HyperModel's may have any name.
    """
    return {f"parameter.{name}" if name in COLUMNS else name: value for name, value in record.values.items()}


def parameter_names(records: Iterable[Record]) -> list[str]:
    """Every parameter's column, those of one group (``filters_1``, ``filters_2``) side by side."""
    return in_order(name for record in records for name in parameters(record))


def table(records: Sequence[Record], among: Sequence[Record] = ()) -> pd.DataFrame:
    """A row a trial, in the order given: ``columns``, then a column a parameter of the records or of those ``among``.

    ``value`` is a float (NaN: the trial has none). A parameter that a trial does not have is None there, and the
    column keeps the values' own types.
    """
    shown = list(columns([*among, *records]))
    frame = pd.DataFrame([cells(record) for record in records], columns=shown).astype({"value": float})
    names, rows = parameter_names([*among, *records]), [parameters(record) for record in records]
    values = {name: pd.Series([row.get(name) for row in rows], dtype=object) for name in names}
    return pd.concat([frame, pd.DataFrame(values, columns=names, index=frame.index)], axis=1)


def csv_text(records: Sequence[Record], among: Sequence[Record] = ()) -> str:
    """The ``table`` as CSV; what a trial does not have is an empty cell."""
    text: str = table(records, among).to_csv(index=False, lineterminator="\n")
    return text


def as_json(records: Sequence[Record]) -> list[dict[str, Any]]:
    """One object a trial: number, state, value (or None), params, then the other ``columns``."""
    shown = columns(records)
    return [_with_params({name: cells(record)[name] for name in shown}, record) for record in records]


def _with_params(row: dict[str, Any], record: Record) -> dict[str, Any]:
    head = {name: row.pop(name) for name in ("number", "state", "value")}
    return {**head, "params": dict(record.values), **row}


def _rounded(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else round(milliseconds, 4)
