"""The confusion matrix of the best model on the test images."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pipeline.report.plots.figure import new_figure, remark, shorten

_MOST_COUNTS = 20
"""The most classes for which each cell has its count."""

_MOST_NAMES = 120
"""The most classes for which each row has its name."""

_NAME = 20
"""Characters of a class name."""

_DARK = 0.55
"""Cells with a larger share are written on in white."""


def draw_confusion(classes: Sequence[str], confusion: NDArray[np.int64]) -> Figure | None:
    """The counts (true, predicted) in colours for their share of the row; None where there are no images."""
    count = len(classes)
    if not confusion.sum():
        return None
    side = min(12.0, max(4.0, 2.6 + 0.42 * count))
    figure, axes = new_figure(side + 0.6, side)
    axes.grid(visible=False)
    totals = confusion.sum(axis=1, keepdims=True)
    shares = confusion / np.maximum(totals, 1)
    cells = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(cells, ax=axes, label="share of the images of the class", shrink=0.8, pad=0.02)
    _name_classes(axes, classes)
    if count <= _MOST_COUNTS:
        _write_counts(axes, confusion, shares)
    by = " (by number)" if count > _MOST_NAMES else ""
    axes.set(xlabel=f"predicted class{by}", ylabel=f"true class{by}")
    right = int(np.trace(confusion))
    remark(axes, f"{right:,} of {int(confusion.sum()):,} test images right")
    return figure


def _name_classes(axes: Axes, classes: Sequence[str]) -> None:
    """The names along both axes, smaller where there are many; above 120 classes only their numbers."""
    count = len(classes)
    if count > _MOST_NAMES:
        return
    names = [shorten(name, _NAME) for name in classes]
    size = 9 if count <= _MOST_COUNTS else max(5.0, min(8.0, 560 / count))
    flat = max(map(len, names)) * count <= 60
    axes.set_xticks(range(count), names, fontsize=size, rotation=0 if flat else 90)
    axes.set_yticks(range(count), names, fontsize=size)


def _write_counts(axes: Axes, confusion: NDArray[np.int64], shares: NDArray[np.float64]) -> None:
    size = 9 if len(confusion) <= 12 else 7
    for (row, column), number in np.ndenumerate(confusion):
        if number:
            colour = "white" if shares[row, column] > _DARK else "#333333"
            axes.text(column, row, f"{number:,}", ha="center", va="center", fontsize=size, color=colour)
