"""Trials as a pandas frame with a type for each column, and as a Parquet file."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.errors import JobError
from pipeline.files import replacing
from pipeline.report.trials_table import cells, needed_columns, param_cells, param_columns
from pipeline.study.record import TrialRecord

_DTYPES = {
    **dict.fromkeys(("study", "metric", "state", "reason"), "string"),
    **dict.fromkeys(("score", "seconds", "latency_ms"), "float64"),
    **dict.fromkeys(("trial", "epochs"), "int64"),
    **dict.fromkeys(("parameters", "macs"), "Int64"),
    "front": "boolean",
}
"""pandas' type of each column."""

_PARQUET = b"PAR1"
"""The first bytes of a Parquet file."""


def trials_frame(records: Sequence[TrialRecord], among: Sequence[TrialRecord] = ()) -> pd.DataFrame:
    """One row per trial in the order given, with the columns that the records and ``among`` need.

    A hyperparameter has the type of its values; where they have several, as a HyperModel's may, they become text. What
    a trial does not have is missing (``pandas.NA``).
    """
    every = [*among, *records]
    rows = [cells(record) | param_cells(record) for record in records]
    columns = {name: _DTYPES[name] for name in needed_columns(every)}
    columns |= {
        name: _dtype(cell[name] for cell in map(param_cells, every) if name in cell) for name in param_columns(every)
    }
    return pd.DataFrame({name: _column([row.get(name) for row in rows], dtype) for name, dtype in columns.items()})


def _dtype(values: Iterable[Any]) -> str:
    kinds = {type(value) for value in values}
    if kinds == {bool}:
        return "boolean"
    if kinds == {int}:
        return "Int64"
    return "float64" if kinds <= {int, float} else "string"


def _column(values: Sequence[Any], dtype: str) -> "pd.Series[Any]":
    if dtype == "string":
        values = [value if value is None else str(value) for value in values]
    return pd.Series(values, dtype=dtype)


def check_parquet(file: Path) -> None:
    """JobError unless nothing is there, or a Parquet file, which is replaced; whatever else is there stays."""
    if not file.name or file.is_dir():
        raise JobError(f"--parquet: {file} is a folder; give the name of a file, such as trials.parquet")
    if file.exists() and not _is_parquet(file):
        raise JobError(f"--parquet: {file} is there and is not a Parquet file; give another name, or remove it")


def _is_parquet(file: Path) -> bool:
    with file.open("rb") as content:
        return content.read(len(_PARQUET)) == _PARQUET


def write_parquet(frame: pd.DataFrame, file: Path) -> None:
    """Writes the frame to a Parquet file, whole or not at all. pandas reads it back with the same types."""
    check_parquet(file)
    with replacing(file) as temporary:
        frame.to_parquet(temporary, index=False)
