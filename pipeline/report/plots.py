"""Pictures of a search as PNG files: its history, what decided, and how the best trials learned."""

import csv
import io
import logging
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline.folder import StudyFolder
from pipeline.objective import MINIMISED, front
from pipeline.record import Record, ranked
from pipeline.space.limits import COSTS
from pipeline.trial import State

logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it announces its font cache at its first use
from matplotlib.axes import Axes  # noqa: E402
from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
from matplotlib.ticker import MaxNLocator  # noqa: E402

_CURVES = 5
_BARS = 15
_MARKS = {State.COMPLETE: ("o", "#1f77b4"), State.PRUNED: ("x", "#9a9a9a"), State.FAILED: ("v", "#d62728")}


def plots(records: Sequence[Record], importances: Mapping[str, float], folder: StudyFolder) -> list[Path]:
    """Draws what there is to draw into the study's folder of plots; the files written.

    ``history.png``: every trial's value and the best so far; ``importance.png``: the importance of each parameter;
    ``curves.png``: validation accuracy over the epochs of the best trials; ``front_macs.png`` and the like: accuracy
    against each cost that the study minimises, with the Pareto front. A picture without data is not drawn, and one of
    an earlier time is removed.
    """
    drawn = {
        "history.png": _history(records),
        "importance.png": _importance(importances, sum(record.state is State.COMPLETE for record in records)),
        "curves.png": _curves(records, folder),
        **{f"front_{name}.png": _front(records, cost) for name, cost in MINIMISED.items()},
    }
    for name, figure in drawn.items():
        _write(folder.plots / name, figure)
    return [folder.plots / name for name, figure in drawn.items() if figure is not None]


def _history(records: Sequence[Record]) -> Figure | None:
    ended = [record for record in records if record.value is not None and record.state in _MARKS]
    valued = sorted(ended, key=lambda record: record.number)
    if not valued:
        return None
    figure, axes = _figure(7, 4)
    for state, (marker, colour) in _MARKS.items():
        shown = [record for record in valued if record.state is state]
        if shown:
            numbers, values = [record.number for record in shown], [record.value or 0.0 for record in shown]
            axes.scatter(numbers, values, s=28, marker=marker, color=colour, label=state.value, zorder=3)
    numbers, best = _best_so_far(valued)
    if numbers:
        axes.step(numbers, best, where="post", color="#d95f02", label="best complete so far")
    axes.set(xlabel="trial number", ylabel="validation accuracy (share of images)", title="Optimisation history")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    figure.legend(loc="outside lower center", ncols=3, fontsize=9)
    return figure


def _best_so_far(records: Sequence[Record]) -> tuple[list[int], list[float]]:
    """The running maximum of the complete trials, drawn on to the last trial of any state."""
    numbers: list[int] = []
    best: list[float] = []
    for record in records:
        value = record.value if record.state is State.COMPLETE else None
        if value is not None or best:
            numbers.append(record.number)
            best.append(max([*best[-1:], *([value] if value is not None else [])]))
    return numbers, best


def _importance(importances: Mapping[str, float], trials: int) -> Figure | None:
    largest = sorted(importances.items(), key=lambda item: -item[1])[:_BARS]
    if not largest:
        return None
    figure, axes = _figure(7, 1.4 + 0.3 * len(largest))
    bars = axes.barh([name for name, _ in largest], [value for _, value in largest], color="#1f77b4", zorder=3)
    axes.bar_label(bars, [f"{value:.2f}" for _, value in largest], padding=3, fontsize=9)
    axes.invert_yaxis()
    axes.set(xlabel=f"importance in {trials} complete trials (shares; all add up to 1)", xlim=(0, 1.12 * largest[0][1]))
    axes.set_title("Which parameters decided")
    return figure


def _curves(records: Sequence[Record], folder: StudyFolder) -> Figure | None:
    best = ranked(list(records))[:_CURVES]
    learned = [(record, accuracies) for record in best if (accuracies := _accuracies(folder.history(record.number)))]
    if not learned:
        return None
    figure, axes = _figure(7, 4)
    for record, accuracies in learned:
        label = f"trial {record.number}: {record.value or 0:.4f}"
        axes.plot(range(1, len(accuracies) + 1), accuracies, marker="o", markersize=3, label=label)
    axes.set(xlabel="epoch", ylabel="validation accuracy (share of images)", title="Learning curves of the best trials")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    figure.legend(loc="outside lower center", ncols=3, fontsize=9)
    return figure


def _front(records: Sequence[Record], cost: str) -> Figure | None:
    """The complete trials by a cost that the study minimises; those on its front stand out, with their numbers."""
    shown = [one for one in records if cost in one.minimised and one.state is State.COMPLETE and one.value is not None]
    if not shown:
        return None
    figure, axes = _figure(7, 4)
    for chosen, colour, label in ((False, "#9a9a9a", "complete"), (True, "#1f77b4", "on the Pareto front")):
        points = [(one.costs[cost], one.value or 0.0) for one in shown if one.front is chosen]
        costs, accuracies = [point[0] for point in points], [point[1] for point in points]
        if points:
            axes.scatter(costs, accuracies, s=28, color=colour, label=label, zorder=3)
    for one in (one for one in shown if one.front):
        place, above = (one.costs[cost], one.value or 0.0), (0, 5)
        axes.annotate(str(one.number), place, above, textcoords="offset points", ha="center", fontsize=8)
    axes.step(*_stairs(shown, cost), where="post", color="#d95f02", label="best accuracy at no higher cost")
    if min(one.costs[cost] for one in shown) > 0:
        axes.set_xscale("log")
    axes.set(xlabel=COSTS[cost].help, ylabel="validation accuracy (share of images)", title="Accuracy against its cost")
    figure.legend(loc="outside lower center", ncols=3, fontsize=9)
    return figure


def _stairs(records: Sequence[Record], cost: str) -> tuple[list[float], list[float]]:
    """The front of accuracy and this one cost, from the cheapest on and as far as the dearest trial."""
    points = [(one.costs[cost], -(one.value or 0.0)) for one in records]
    best = sorted({points[index] for index in front(points)})
    best.append((max(points)[0], best[-1][1]))
    return [point[0] for point in best], [-point[1] for point in best]


def _accuracies(history: Path) -> list[float]:
    """The column ``val_accuracy``, up to the first row that is not whole; empty where there is no such file."""
    found: list[float] = []
    try:
        with history.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                value = float(row["val_accuracy"])
                if not math.isfinite(value):
                    break
                found.append(value)
    except (OSError, KeyError, TypeError, ValueError):
        pass
    return found


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.grid(color="#dddddd", linewidth=0.7)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _write(path: Path, figure: Figure | None) -> None:
    if figure is None:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    beside.write_bytes(picture.getvalue())
    beside.replace(path)
