"""An evaluation as tables for a terminal."""

from dataclasses import dataclass

import numpy as np
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from pipeline.metrics import METRICS
from pipeline.metrics.evaluation import Evaluation

_NAME_WIDTH = 24
"""Characters of a class name at the start of a row."""

_HEADER_WIDTH = 8
"""Characters of a class name above a column."""

_UNBOUNDED = 100_000
"""A width that every table fits into."""

_MAX_PAIRS = 15
"""Pairs of classes in the list of confusions."""


def score_table(evaluation: Evaluation) -> Table:
    """One row per metric: its label, and its score or n/a where it is not defined."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    for name, metric in METRICS.items():
        score = evaluation.score(name)
        table.add_row(metric.label, "n/a" if score is None else f"{score:.4f}")
    return table


def class_table(evaluation: Evaluation) -> Table:
    """Precision, recall, F1 and number of images, one row per class; n/a where a class has no images."""
    table = _table("class", ["precision", "recall", "F1", "images"])
    ratios = zip(evaluation.precision, evaluation.recall, evaluation.f1, strict=True)
    for name, row, support in zip(evaluation.classes, ratios, evaluation.support, strict=True):
        table.add_row(_shorten(name, _NAME_WIDTH), *map(_ratio, row), f"{support:,}")
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
    wrong = evaluation.confusion.copy()
    np.fill_diagonal(wrong, 0)
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for name in ("true", "predicted", "images"):
        table.add_column(name, justify="right" if name == "images" else "left", no_wrap=True)
    for cell in np.argsort(-wrong, axis=None, kind="stable")[:_MAX_PAIRS]:
        true, predicted = divmod(int(cell), len(evaluation.classes))
        if wrong[true, predicted]:
            names = (_shorten(evaluation.classes[label], _NAME_WIDTH) for label in (true, predicted))
            table.add_row(*names, f"{wrong[true, predicted]:,}")
    return table


def _count(count: int, hit: bool) -> Text:
    return Text(f"{count:,}" if count else ".", "bold" if hit else "")


def _ratio(ratio: float) -> str:
    return "n/a" if np.isnan(ratio) else f"{ratio:.4f}"


def _table(first: str, others: list[str]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    table.add_column(Text(first), no_wrap=True)
    for name in others:
        table.add_column(Text(name), justify="right", no_wrap=True)
    return table


def _shorten(name: str, width: int) -> Text:
    return Text(name if len(name) <= width else f"{name[: width - 1]}…")
