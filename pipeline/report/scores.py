"""An evaluation as tables for a terminal."""

from dataclasses import dataclass

import numpy as np
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from pipeline.report.metrics import Evaluation

_NAME_WIDTH = 24
_HEAD_WIDTH = 8
_ANY_WIDTH = 100_000
_PAIRS = 15


def score_table(result: Evaluation) -> Table:
    """Precision, recall, F1 and support, a line a class."""
    table = _table("class", ["precision", "recall", "F1", "images"])
    rows = zip(result.classes, result.precision, result.recall, result.f1, result.support, strict=True)
    for name, precision, recall, f1, support in rows:
        table.add_row(_cut(name, _NAME_WIDTH), f"{precision:.4f}", f"{recall:.4f}", f"{f1:.4f}", f"{support:,}")
    return table


@dataclass(frozen=True)
class ConfusionView:
    """Counts: a row a true class, a column a predicted one; hits are bold, and 0 is a dot.

    Where that is too wide, the most frequent confusions, a line each.
    """

    result: Evaluation

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        matrix = _matrix(self.result)
        fits = console.measure(matrix, options=options.update(width=_ANY_WIDTH)).maximum <= options.max_width
        yield matrix if fits else _most_frequent(self.result)


def _matrix(result: Evaluation) -> Table:
    table = _table("true \\ predicted", [_cut(name, _HEAD_WIDTH).plain for name in result.classes])
    for position, (name, counts) in enumerate(zip(result.classes, result.confusion.tolist(), strict=True)):
        cells = [_count(count, hit=column == position) for column, count in enumerate(counts)]
        table.add_row(_cut(name, _NAME_WIDTH), *cells)
    return table


def _most_frequent(result: Evaluation) -> Table:
    wrong = result.confusion.copy()
    np.fill_diagonal(wrong, 0)
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for name in ("true", "predicted", "images"):
        table.add_column(name, justify="right" if name == "images" else "left", no_wrap=True)
    for cell in np.argsort(-wrong, axis=None, kind="stable")[:_PAIRS]:
        true, predicted = divmod(int(cell), len(result.classes))
        if wrong[true, predicted]:
            names = (_cut(result.classes[position], _NAME_WIDTH) for position in (true, predicted))
            table.add_row(*names, f"{wrong[true, predicted]:,}")
    return table


def _count(count: int, hit: bool) -> Text:
    return Text(f"{count:,}" if count else ".", "bold" if hit else "")


def _table(first: str, others: list[str]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    table.add_column(Text(first), no_wrap=True)
    for name in others:
        table.add_column(Text(name), justify="right", no_wrap=True)
    return table


def _cut(name: str, width: int) -> Text:
    return Text(name if len(name) <= width else f"{name[: width - 1]}…")
