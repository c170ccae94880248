"""The leaderboard of a study, whatever shows it: which trials, and what of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.report.formatting import varying_groups
from pipeline.report.trials_table import cells, needed_columns, param_cells, param_columns
from pipeline.study.record import TrialRecord, ranked
from pipeline.study.trial import TrialState

_COLUMNS = ("trial", "score", "front", "epochs", "parameters", "macs", "latency_ms", "seconds", "state")


@dataclass(frozen=True)
class TopTrials:
    """The ``records`` of the best trials, best first, and how many ``more`` have a rank.

    ``columns`` are the names of the cells that they need (``report.trials_table``), ``groups`` those of the
    hyperparameters that are not the same in all trials of the study.
    """

    records: Sequence[TrialRecord]
    columns: Sequence[str]
    groups: Sequence[str]
    more: int = 0


def top_trials(records: Sequence[TrialRecord], top: int | None = None) -> TopTrials:
    """The best ``top`` of a study's trials (None: all that have a rank); a Pareto front is whole.

    The state is a column where one of them is not complete.
    """
    ranking = ranked(records)
    listed = ranking[: len(ranking) if top is None else max(top, sum(record.front for record in records))]
    needed = set(needed_columns(records))
    if all(record.state is TrialState.COMPLETE for record in listed):
        needed.remove("state")
    columns = [name for name in _COLUMNS if name in needed]
    return TopTrials(listed, columns, varying_groups(records), len(ranking) - len(listed))


def as_columns(records: Sequence[TrialRecord]) -> Mapping[str, Any]:
    """All trials that have a rank as plain values in ``columns`` and ``data``: JSON that MLflow's UI shows as a table.

    Each hyperparameter that varies is a column of its own. A score has six decimals: that UI shows all digits.
    """
    top = top_trials(records)
    drawn = [param_cells(record) for record in records]
    params = [name for name in param_columns(records) if len({row.get(name) for row in drawn}) > 1]
    rows = []
    for rank, record in enumerate(top.records, start=1):
        values, own = cells(record), param_cells(record)
        values["score"] = None if values["score"] is None else round(values["score"], 6)
        rows.append([rank, *(values[name] for name in top.columns), *(own.get(name) for name in params)])
    return {"columns": ["rank", *top.columns, *params], "data": rows}
