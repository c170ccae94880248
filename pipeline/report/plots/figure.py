"""How every plot looks: its size, colours, points, texts and legend, and how it becomes a PNG file."""

import io
import warnings
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pipeline.metrics import Metric
from pipeline.report.formatting import describe_score
from pipeline.study.record import TrialRecord
from pipeline.study.trial import TrialState

BLUE, GREY, RED, ORANGE, TEAL, PURPLE = "#1f77b4", "#9a9a9a", "#d62728", "#d95f02", "#1b9e77", "#8856a7"
GRID = "#dddddd"

_WORST = 0.2
"""The share of the trials, the worst ones, that may lie outside an axis of scores."""

_LONGEST = 2.5
"""They do if an axis with them would be so many times as long as one for all others."""

STATE_COLOURS: Mapping[TrialState, str] = {
    TrialState.COMPLETE: BLUE,
    TrialState.PRUNED: GREY,
    TrialState.FAILED: RED,
    TrialState.INTERRUPTED: PURPLE,
    TrialState.RUNNING: TEAL,
}


def blank_figure(width: float, height: float) -> Figure:
    """A figure of a size in inches, without axes."""
    figure = Figure(figsize=(width, height), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def new_figure(width: float, height: float) -> tuple[Figure, Axes]:
    """A figure of a size in inches, and its axes."""
    figure = blank_figure(width, height)
    axes = figure.add_subplot()
    use_house_style(axes)
    return figure, axes


def use_house_style(axes: Axes) -> None:
    """A faint grid, and no frame at the top and on the right."""
    axes.grid(color=GRID, linewidth=0.7)
    axes.spines[["top", "right"]].set_visible(False)


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


class ScoreRange(NamedTuple):
    """The scores that a linear axis shows: a few much worse ones are drawn at its edge."""

    low: float
    high: float
    metric: Metric
    outside: int

    @classmethod
    def of(cls, scores: Sequence[float], metric: Metric) -> "ScoreRange":
        """The range of all scores, or without those of the worst fifth that would take most of the axis."""
        by_loss = sorted(scores, key=metric.loss)
        best, last = by_loss[0], by_loss[int((1 - _WORST) * (len(by_loss) - 1))]
        limit = metric.loss(best) + _LONGEST * abs(last - best)
        shown = [score for score in by_loss if metric.loss(score) <= limit or last == best or metric.unbounded]
        return cls(min(shown), max(shown), metric, len(scores) - len(shown))

    def clip(self, score: float) -> float:
        """The score, or the edge of the range if it lies beyond it."""
        return min(max(score, self.low), self.high)

    def apply(self, axes: Axes) -> None:
        """Limits the vertical axis if there are scores outside, and says how many."""
        if not self.outside:
            return
        room = 0.06 * (self.high - self.low)
        axes.set_ylim(self.low - room, self.high + room)

    @property
    def note(self) -> str:
        """What a remark says of the scores outside; "" if there are none."""
        return f"{self.outside:,} worse, at the edge" if self.outside else ""


def remark(axes: Axes, text: str, size: float = 10, pad: float | None = None) -> None:
    """Writes above the axes, on the left, what the plot's heading does not say ("": nothing).

    Plots have no title: the report has its headings, and elsewhere the name of the file says what it is.
    """
    axes.set_title(text, loc="left", fontsize=size, color="#555555", pad=pad)


def use_whole_numbers(axes: Axes) -> None:
    """Puts ticks at whole numbers only along the horizontal axis."""
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def add_legend(figure: Figure, size: float = 9) -> None:
    """Puts the legend below the axes."""
    figure.legend(loc="outside lower center", ncols=3, fontsize=size)


def score_of(record: TrialRecord) -> float:
    """The score of a record, which must have one."""
    assert record.score is not None
    return record.score


def shorten(text: str, length: int) -> str:
    r"""A name from the user's data or space in at most ``length`` characters, without its middle; no formula.

    Matplotlib would set what stands between two dollar signs as a formula.

    >>> shorten("photographs_of_cats", 11), shorten("5$", 9)
    ('photo…_cats', '5\\$')
    """
    if len(text) > length:
        tail = (length - 1) // 2
        text = f"{text[: length - 1 - tail]}…{text[len(text) - tail :]}"
    return text.replace("$", r"\$")


def png(figure: Figure) -> bytes:
    """The content of the figure's PNG file. A character that the font lacks is drawn as a box, without a warning."""
    content = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")
        figure.savefig(content, format="png")
    return content.getvalue()
