"""Trials as tables for a terminal: the leaderboard, and the list of trials."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise

from rich.console import Group, RenderableType
from rich.text import Text

from pipeline.metrics import DEFAULT_METRIC
from pipeline.report.formatting import describe_score, displayed_reason, format_params, varying_groups
from pipeline.report.trials_table import ABSENT, COLUMNS, cells, needed_columns, print_cell
from pipeline.report.wide_table import WideTable
from pipeline.study.record import TrialRecord, ranked
from pipeline.study.trial import TrialState

STATE_STYLES = {
    TrialState.RUNNING: "cyan",
    TrialState.COMPLETE: "green",
    TrialState.PRUNED: "yellow",
    TrialState.FAILED: "red",
    TrialState.INTERRUPTED: "magenta",
}
_EXPLAINED = {"map vanishes": "map vanishes: the layers shrink the image to nothing"}
"""The kinds of infeasible proposals that need more words."""

_Columns = Mapping[str, Callable[[TrialRecord], Text]]


def render_leaderboard(records: Sequence[TrialRecord], top: int = 10, study: str = "STUDY") -> RenderableType:
    """The best ``top`` trials: rank, number, score, epochs, costs, seconds, and the params that vary among all records.

    A Pareto front is shown completely, even if it is longer than ``top``. A line says how many more trials the
    ``study`` has, or that none has a score yet; another that complete trials rank first, where the scores do not.
    """
    ranking = ranked(records)
    listed = ranking[: max(top, sum(record.front for record in records))]
    if not listed:
        return Text("No trial has a score.")
    ranks = {record.number: str(rank) for rank, record in enumerate(listed, start=1)}
    columns: dict[str, Callable[[TrialRecord], Text]] = {
        "rank": lambda record: Text(ranks[record.number]),
        "trial": _column("trial"),
        "score": _column("score"),
        "front": _column("front", "bold"),
        "epochs": _column("epochs"),
        "parameters": _column("parameters"),
        "macs": _column("macs"),
        "latency_ms": _column("latency_ms"),
        "seconds": _column("seconds"),
    }
    if any(record.state is not TrialState.COMPLETE for record in listed):
        columns["state"] = _state
    more = len(ranking) - len(listed)
    return Group(
        *_note(records),
        _table(listed, _needed(columns, records), varying_groups(records)),
        *([Text(f"and {more:,} more: convtune trials {study}", "dim")] if more else []),
        *([Text("Trials that left a model rank before the others.", "dim")] if _is_out_of_order(listed) else []),
    )


def _is_out_of_order(listed: Sequence[TrialRecord]) -> bool:
    """Whether a trial has a better score than the complete one above it."""
    return any(
        above.state is TrialState.COMPLETE
        and above.front is below.front
        and below.state is not TrialState.COMPLETE
        and below.score is not None
        and below.metric.better(below.score, than=above.score)
        for above, below in pairwise(listed)
    )


def render_listing(records: Sequence[TrialRecord], among: Sequence[TrialRecord]) -> RenderableType:
    """The records in the given order, with the params that vary ``among`` all the trials of the study."""
    return Group(*_note(records), _table(records, _needed(_LISTING_COLUMNS, among), varying_groups(among)))


def describe_infeasible(infeasible: Mapping[str, int]) -> str:
    """How many proposals were infeasible, the most frequent kind first; "" when there were none.

    >>> describe_infeasible({"macs over the limit": 4, "kernel larger than map": 8})
    '12 points of the space were passed over before training: 8 (kernel larger than map), 4 (macs over the limit)'
    """
    total = sum(infeasible.values())
    if not total:
        return ""
    kinds = ", ".join(
        f"{number:,} ({_EXPLAINED.get(kind, kind)})" for kind, number in Counter(infeasible).most_common()
    )
    points = "point of the space was" if total == 1 else "points of the space were"
    return f"{total:,} {points} passed over before training: {kinds}"


def _note(records: Sequence[TrialRecord]) -> list[Text]:
    """A line that says what the score is, unless it is of the default metric."""
    if not records or records[0].metric.name == DEFAULT_METRIC.name:
        return []
    return [Text(f"score: {describe_score(records[0].metric)}", "dim")]


def _column(name: str, style: str = "") -> Callable[[TrialRecord], Text]:
    return lambda record: Text(print_cell(name, cells(record)[name]), style)


def _exact(name: str) -> Callable[[TrialRecord], Text]:
    """A count with all its digits."""
    return lambda record: Text(ABSENT if (count := cells(record)[name]) is None else f"{count:,}")


def _state(record: TrialRecord) -> Text:
    return Text(record.state.value, STATE_STYLES[record.state])


_LISTING_COLUMNS: _Columns = {
    "trial": _column("trial"),
    "state": _state,
    "score": _column("score"),
    "front": _column("front", "bold"),
    "epochs": _column("epochs"),
    "seconds": _column("seconds"),
    "parameters": _exact("parameters"),
    "macs": _column("macs"),
    "latency_ms": _column("latency_ms"),
}


def _needed(columns: _Columns, records: Iterable[TrialRecord]) -> _Columns:
    """The columns that a table of these records needs."""
    absent = set(COLUMNS) - set(needed_columns(records))
    return {name: cell for name, cell in columns.items() if name not in absent}


def _table(records: Sequence[TrialRecord], columns: _Columns, groups: Sequence[str]) -> WideTable:
    """One row per trial, with its params of the named groups and why it ended early."""
    cells = {name: [cell(record) for record in records] for name, cell in columns.items()}
    return WideTable(cells, "params", [_params(record, groups) for record in records], words=("state",))


def _params(record: TrialRecord, groups: Sequence[str]) -> Text:
    text = Text(format_params(record.params, groups))
    if reason := displayed_reason(record.result):
        text.append(f"{'  ' if text else ''}({reason})", "dim")
    return text
