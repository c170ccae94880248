"""How every picture looks: its size, colours, points and legend, and how it is written."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pipeline.files import replacing
from pipeline.metrics import Metric
from pipeline.report.formatting import describe_score
from pipeline.study.record import TrialRecord

BLUE, GREY, RED, ORANGE = "#1f77b4", "#9a9a9a", "#d62728", "#d95f02"


def new_figure(width: float, height: float) -> tuple[Figure, Axes]:
    """A figure of a size in inches, and its axes."""
    figure = Figure(figsize=(width, height), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.grid(color="#dddddd", linewidth=0.7)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def scatter(axes: Axes, points: Sequence[tuple[float, float]], color: str, label: str, marker: str = "o") -> None:
    """Draws the points; without any there is no entry in the legend."""
    if points:
        axes.scatter(
            [x for x, _ in points], [y for _, y in points], s=28, marker=marker, color=color, label=label, zorder=3
        )


def use_scores(axes: Axes, metric: Metric) -> None:
    """Puts the scores along the vertical axis: a logarithmic one where a few poor trials would flatten all others."""
    axes.set_ylabel(describe_score(metric))
    if metric.unbounded:
        axes.set_yscale("log", nonpositive="clip")


def use_whole_numbers(axes: Axes) -> None:
    """Puts ticks at whole numbers only along the horizontal axis."""
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def add_legend(figure: Figure) -> None:
    """Puts the legend below the axes."""
    figure.legend(loc="outside lower center", ncols=3, fontsize=9)


def score_of(record: TrialRecord) -> float:
    """The score of a record, which must have one."""
    assert record.score is not None
    return record.score


def write_figure(path: Path, figure: Figure | None) -> None:
    """Writes the figure as PNG, or removes the file where there is none."""
    if figure is None:
        path.unlink(missing_ok=True)
        return
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png")
