"""The learning curves of the trials."""

import csv
import math
from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from pipeline.metrics import Metric
from pipeline.report.plots.figure import (
    BLUE,
    GREY,
    RED,
    ScoreRange,
    add_legend,
    new_figure,
    remark,
    scatter,
    score_of,
    use_scores,
    use_whole_numbers,
)
from pipeline.study.paths import StudyPaths
from pipeline.study.record import TrialRecord, ranked
from pipeline.study.trial import TrialState

_BEST = 5
"""The most trials that have a colour and a label of their own."""

_COLOURS = ("#1f77b4", "#d95f02", "#1b9e77", "#8856a7", "#b8860b")

_MOST = 500
"""The most curves that are drawn: the best ones, and the latest of the others."""

_Curve = list[tuple[float, float]]


def draw_curves(records: Sequence[TrialRecord], paths: StudyPaths) -> Figure | None:
    """The validation metric over the epochs of all trials; None where none has a history.

    The best trials have colours and labels, pruned ones are grey, and a cross marks where a failed one ended.
    """
    trained = [record for record in records if paths.history(record.number).is_file()]
    best = [record for record in ranked(trained) if record.state is not TrialState.PRUNED][:_BEST]
    numbers = {record.number for record in best}
    others = [record for record in trained if record.number not in numbers][-(_MOST - len(best)) :]
    curves = {record.number: _read(record, paths) for record in [*best, *others]}
    if not any(curves.values()):
        return None
    figure, axes = new_figure(7, 4.4)
    pruned = [record for record in others if record.state is TrialState.PRUNED]
    _draw_faint(axes, [curves[record.number] for record in others if record not in pruned], BLUE, "other trials")
    _draw_faint(axes, [curves[record.number] for record in pruned], GREY, "pruned")
    failed = [curves[record.number] for record in others if record.state is TrialState.FAILED]
    scatter(axes, [curve[-1] for curve in failed if curve], RED, "failed", "x")
    for record, colour in zip(best, _COLOURS, strict=False):
        if curve := curves[record.number]:
            state = "" if record.state is TrialState.COMPLETE else f", {record.state}"
            label = f"trial {record.number}: {score_of(record):.4f}{state}"
            axes.plot(*zip(*curve, strict=True), color=colour, marker="o", markersize=3, label=label, zorder=4)
    axes.set_xlabel("epoch")
    remark(axes, _how_many(sum(bool(curve) for curve in curves.values()), len(trained)))
    axes.margins(x=0.03, y=0.05)
    use_scores(axes, records[0].metric)
    ends = [score for curve in curves.values() for _, score in curve[-1:]]
    starts = [score for curve in curves.values() for _, score in curve[:1]]
    ScoreRange.of(starts + ends, records[0].metric).apply(axes)
    use_whole_numbers(axes)
    add_legend(figure)
    return figure


def _how_many(drawn: int, trained: int) -> str:
    """The remark that says how many trials are drawn, and which if they are not all of those with a history.

    >>> _how_many(1, 1), _how_many(20, 20), _how_many(500, 2000)
    ('', '20 trials', '500 of 2,000 trials: the best and the latest')
    """
    if trained > _MOST:
        return f"{drawn:,} of {trained:,} trials: the best and the latest"
    return f"{drawn:,} trials" if drawn > 1 else ""


def _read(record: TrialRecord, paths: StudyPaths) -> _Curve:
    return [*enumerate(read_curve(paths.history(record.number), record.metric), start=1)]


def _draw_faint(axes: Axes, curves: Sequence[_Curve], colour: str, label: str) -> None:
    """Draws curves as thin lines; one of a single epoch is a dot."""
    lines = [curve for curve in curves if len(curve) > 1]
    if lines:
        faint = max(0.2, min(0.7, 12 / len(lines)))
        axes.add_collection(LineCollection(lines, colors=colour, linewidths=1, alpha=faint, label=label, zorder=2))
    if dots := [curve[0] for curve in curves if len(curve) == 1]:
        x, y = zip(*dots, strict=True)
        axes.scatter(x, y, s=9, color=colour, alpha=0.5, label=None if lines else label, zorder=2)


def read_curve(history: Path, metric: Metric) -> list[float]:
    """The metric's column of a ``history.csv`` up to the first incomplete row; empty where there is no such file."""
    curve: list[float] = []
    try:
        with history.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                score = float(row[metric.logged_as])
                if not math.isfinite(score):
                    break
                curve.append(score)
    except (OSError, KeyError, TypeError, ValueError):
        pass
    return curve
