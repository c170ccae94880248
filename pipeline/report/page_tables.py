"""The tables of a report: leaderboard, trials, confusions."""

from collections.abc import Sequence

from pipeline.metrics.evaluation import most_confused
from pipeline.report.evaluated_model import EvaluatedModel
from pipeline.report.findings import Findings
from pipeline.report.formatting import format_params, varying_groups
from pipeline.report.page import Table
from pipeline.report.top_trials import top_trials
from pipeline.report.trials_table import cells, needed_columns, print_cell
from pipeline.study.record import TrialRecord

_TOP = 10
"""Trials in the leaderboard, but for a Pareto front, which is shown whole."""

_MOST_TRIALS = 1000
"""Trials in the table of all."""

_MOST_PAIRS = 10
"""Pairs of classes in the list of confusions."""

_WORDS = ("state", "front", "true class", "taken for", "metric", "split")
_TEXTS = ("params", "reason")
"""Columns that are set on the left; the texts among them wrap."""


def scores(found: Findings) -> Table:
    """The scores of the best model."""
    rows = [
        [score.metric.label, score.split, f"{score.n:,}" if score.n else "", f"{score.value:.4f}", interval]
        for score in found.scores
        for interval in [str(score.interval) if score.interval else ""]
    ]
    return _table(["metric", "split", "images", "score", "95 % interval"], rows)


def leaderboard(records: Sequence[TrialRecord], study: str) -> Table:
    """The best ten trials; a Pareto front whole."""
    top = top_trials(records, _TOP)
    rows = [
        [str(rank), *_row(record, top.columns), format_params(record.params, top.groups)]
        for rank, record in enumerate(top.records, start=1)
    ]
    note = f"and {top.more:,} more: convtune trials {study}" if top.more else ""
    return _table(["rank", *top.columns, "params"], rows, note)


def all_trials(records: Sequence[TrialRecord]) -> Table:
    """Every trial, what became of it and why; the first thousand of very many."""
    columns = [name for name in needed_columns(records) if name != "reason"]
    groups = varying_groups(records)
    rows = [
        [*_row(record, columns), record.result.remark, format_params(record.params, groups)]
        for record in records[:_MOST_TRIALS]
    ]
    more = len(records) - len(rows)
    return _table([*columns, "reason", "params"], rows, f"and {more:,} more in trials.csv" if more else "")


def confusions(evaluated: EvaluatedModel | None) -> Table:
    """The most frequent pairs of a class and the one that it was taken for."""
    headings = ["true class", "taken for", "images", "share of the class"]
    if evaluated is None:
        return _table(headings, [])
    names, totals = evaluated.classes, evaluated.confusion.sum(axis=1)
    rows = [
        [names[true], names[taken], f"{count:,}", f"{count / totals[true]:.1%}"]
        for true, taken, count in most_confused(evaluated.confusion)[:_MOST_PAIRS]
    ]
    return _table(headings, rows)


def _row(record: TrialRecord, columns: Sequence[str]) -> list[str]:
    values = cells(record)
    return [print_cell(name, values[name]) for name in columns]


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]], note: str = "") -> Table:
    styles = ["text" if name in _TEXTS else "left" if name in _WORDS else "" for name in headings]
    return Table(headings, styles, rows, note)
