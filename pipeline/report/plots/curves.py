"""The learning curves of the best trials."""

import csv
import math
from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from pipeline.metrics import Metric
from pipeline.report.plots.figure import add_legend, new_figure, score_of, use_scores, use_whole_numbers
from pipeline.study.paths import StudyPaths
from pipeline.study.record import TrialRecord, ranked

_CURVES = 5
"""The most trials that are drawn."""


def draw_curves(records: Sequence[TrialRecord], paths: StudyPaths) -> Figure | None:
    """The validation metric over the epochs of the best trials; None where none has a history."""
    best = ranked(records)[:_CURVES]
    curves = [(record, read_curve(paths.history(record.number), record.metric)) for record in best]
    if not any(curve for _, curve in curves):
        return None
    figure, axes = new_figure(7, 4)
    for record, curve in curves:
        if curve:
            label = f"trial {record.number}: {score_of(record):.4f}"
            axes.plot(range(1, len(curve) + 1), curve, marker="o", markersize=3, label=label)
    axes.set(xlabel="epoch", title="Learning curves of the best trials")
    use_scores(axes, best[0].metric)
    use_whole_numbers(axes)
    add_legend(figure)
    return figure


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
