"""Trials as tables for a terminal: the leaderboard, and the list of trials."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from rich.console import Group, RenderableType
from rich.text import Text

from pipeline.metrics import DEFAULT_METRIC
from pipeline.report.formatting import describe_score, displayed_reason, format_params, varying_groups
from pipeline.report.top_trials import top_trials
from pipeline.report.trials_table import ABSENT, cells, needed_columns, print_cell
from pipeline.report.wide_table import WideTable
from pipeline.study.record import TrialRecord
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

_Cell = Callable[[TrialRecord], Text]
_LISTED = ("trial", "state", "score", "front", "epochs", "seconds", "parameters", "macs", "latency_ms")
"""The columns of a list of trials."""


def render_leaderboard(records: Sequence[TrialRecord], top: int = 10, study: str = "STUDY") -> RenderableType:
    """The best ``top`` trials: rank, number, score, epochs, costs, seconds, and the params that vary among all records.

    A Pareto front is shown completely, even if it is longer than ``top``. A line says how many more trials the
    ``study`` has, or that none has a score yet; another that complete trials rank first, where the scores do not.
    """
    best = top_trials(records, top)
    if not best.records:
        return Text("No trial has a score.")
    ranks = {record.number: str(rank) for rank, record in enumerate(best.records, start=1)}
    columns = {"rank": lambda record: Text(ranks[record.number]), **{name: _cell(name) for name in best.columns}}
    return Group(
        *_note(records),
        _table(best.records, columns, best.groups),
        *([Text(f"and {best.more:,} more: convtune trials {study}", "dim")] if best.more else []),
        *([Text("Trials that left a model rank before the others.", "dim")] if _is_out_of_order(best.records) else []),
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
    needed = needed_columns(among)
    columns = {name: _exact(name) if name == "parameters" else _cell(name) for name in _LISTED if name in needed}
    return Group(*_note(records), _table(records, columns, varying_groups(among)))


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


def _cell(name: str) -> _Cell:
    """What prints a column's value of a trial."""
    if name == "state":
        return lambda record: Text(record.state.value, STATE_STYLES[record.state])
    return lambda record: Text(print_cell(name, cells(record)[name]), "bold" if name == "front" else "")


def _exact(name: str) -> _Cell:
    """A count with all its digits."""
    return lambda record: Text(ABSENT if (count := cells(record)[name]) is None else f"{count:,}")


def _table(records: Sequence[TrialRecord], columns: Mapping[str, _Cell], groups: Sequence[str]) -> WideTable:
    """One row per trial, with its params of the named groups and why it ended early."""
    cells = {name: [cell(record) for record in records] for name, cell in columns.items()}
    return WideTable(cells, "params", [_params(record, groups) for record in records], words=("state",))


def _params(record: TrialRecord, groups: Sequence[str]) -> Text:
    text = Text(format_params(record.params, groups))
    if reason := displayed_reason(record.result):
        text.append(f"{'  ' if text else ''}({reason})", "dim")
    return text
