"""An evaluation as tables for a terminal."""

from dataclasses import dataclass

import numpy as np
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from pipeline.metrics import METRICS
from pipeline.metrics.evaluation import Evaluation, most_confused
from pipeline.metrics.interval import Interval

_NAME_WIDTH = 24
"""Characters of a class name at the start of a row."""

_HEADER_WIDTH = 8
"""Characters of a class name above a column."""

PLACES = ("first", "second")
"""What the models of a comparison are called."""

_UNBOUNDED = 100_000
"""A width that every table fits into."""

_MAX_PAIRS = 15
"""Pairs of classes in the list of confusions."""


def score_table(*evaluations: Evaluation) -> Table:
    """One row per metric: its label, score and 95 % interval, for one model or two; n/a where it is not defined.

    Where that is for want of classes, the row says how many it needs.
    The last rows have the calibration error, and the mean confidence, which a well calibrated model has as accuracy.
    """
    places = PLACES if len(evaluations) > 1 else ("score",)
    table = _table("", [header for place in places for header in (place, "95 % interval")])
    for name, metric in METRICS.items():
        cells = [
            (_ratio(of.scores.get(name)), _interval(of.intervals.get(name)))
            if metric.defined_for(len(of.classes))
            else ("n/a", f"needs {metric.fewest_classes} classes")
            for of in evaluations
        ]
        table.add_row(metric.label, *(cell for pair in cells for cell in pair))
    calibrated = [evaluation.calibration for evaluation in evaluations if evaluation.calibration is not None]
    if calibrated:
        table.add_row("calibration error", *(cell for of in calibrated for cell in (_ratio(of.error), "")))
        table.add_row("mean confidence", *(cell for of in calibrated for cell in (_ratio(of.mean_confidence), "")))
    return table


def class_table(evaluation: Evaluation) -> Table:
    """Precision, recall with its 95 % interval, F1 and images, one row per class; n/a where a class has no images."""
    table = _table("class", ["precision", "recall", "95 % interval", "F1", "images"])
    rows = zip(
        evaluation.classes,
        evaluation.precision,
        evaluation.recall,
        evaluation.recall_intervals,
        evaluation.f1,
        evaluation.support,
        strict=True,
    )
    for name, precision, recall, interval, f1, support in rows:
        cells = _ratio(precision), _ratio(recall), _interval(interval), _ratio(f1), f"{support:,}"
        table.add_row(_shorten(name, _NAME_WIDTH), *cells)
    return table


@dataclass(frozen=True)
class ConfusionView:
    """Counts of images: one row per true class, one column per predicted one. Hits are bold, and 0 is a dot.

    Where that is too wide for the terminal, it is a list of the most frequent confusions instead, one per row.
    """

    evaluation: Evaluation

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        matrix = _matrix(self.evaluation)
        fits = console.measure(matrix, options=options.update(width=_UNBOUNDED)).maximum <= options.max_width
        yield matrix if fits else _most_frequent(self.evaluation)


def _matrix(evaluation: Evaluation) -> Table:
    table = _table("true \\ predicted", [_shorten(name, _HEADER_WIDTH).plain for name in evaluation.classes])
    for label, (name, counts) in enumerate(zip(evaluation.classes, evaluation.confusion.tolist(), strict=True)):
        cells = [_count(count, hit=predicted == label) for predicted, count in enumerate(counts)]
        table.add_row(_shorten(name, _NAME_WIDTH), *cells)
    return table


def _most_frequent(evaluation: Evaluation) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for name in ("true", "predicted", "images"):
        table.add_column(name, justify="right" if name == "images" else "left", no_wrap=True)
    for true, predicted, count in most_confused(evaluation.confusion)[:_MAX_PAIRS]:
        names = (_shorten(evaluation.classes[label], _NAME_WIDTH) for label in (true, predicted))
        table.add_row(*names, f"{count:,}")
    return table


def _count(count: int, hit: bool) -> Text:
    return Text(f"{count:,}" if count else ".", "bold" if hit else "")


def _ratio(ratio: float | None) -> str:
    return f"{ratio:.4f}" if ratio is not None and np.isfinite(ratio) else "n/a"


def _interval(interval: Interval | None) -> str:
    return "n/a" if interval is None else str(interval)


def _table(first: str, others: list[str]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    table.add_column(Text(first), no_wrap=True)
    for name in others:
        table.add_column(Text(name), justify="right", no_wrap=True)
    return table


def _shorten(name: str, width: int) -> Text:
    return Text(name if len(name) <= width else f"{name[: width - 1]}…")
