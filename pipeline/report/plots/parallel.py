"""Parallel coordinates: a line for each trial across the hyperparameters that varied, to its score."""

import math
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap, LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.patheffects import Normal, Stroke
from matplotlib.ticker import NullLocator

from pipeline.metrics import Metric
from pipeline.report.formatting import describe_score
from pipeline.report.plots.figure import (
    GRID,
    ORANGE,
    ScoreRange,
    add_legend,
    blank_figure,
    remark,
    score_of,
    shorten,
)
from pipeline.report.plots.scale import Scale, count_varied, scored, varied
from pipeline.study.record import TrialRecord, ranked
from pipeline.study.trial import TrialState

_CLIPPED = 0.2
"""The share of the trials, the worst ones, that have one colour: a few failures would make all others alike."""

_COLOURS = LinearSegmentedColormap.from_list("good is dark", ["#b9c2cc", "#5b9bd5", "#08306b"])
"""From the worst to the best score; even the palest line is seen on white."""

_FEW_LINES = 20
"""Up to so many trials have the widest lines; the more there are, the finer they become."""

_INCHES = 0.95
"""The distance of two axes; on the report page, a plot of twelve is shown at 0.6 of its size."""

_FONT = 13
"""The size of all texts, in points."""

_MARGIN = 0.08
"""How far an axis goes on beyond its outermost trials."""

_NAME = 16
"""Characters of a hyperparameter's name."""


def draw_parallel(records: Sequence[TrialRecord], importances: Mapping[str, float]) -> Figure | None:
    """The trials with a score as lines; None where there are fewer than two or nothing varied."""
    trials = scored(records)
    names = varied(trials, importances)
    if len(trials) < 2 or not names:
        return None
    metric = trials[0].metric
    figure = blank_figure(3.2 + _INCHES * len(names), 5.2)
    axes = figure.add_subplot()
    scales = [Scale.of([trial.params.get(name) for trial in trials]) for name in names]
    places = _score_places(trials, metric)
    lines = [
        [scale.place(trial, name) for name, scale in zip(names, scales, strict=True)] + [place]
        for trial, place in zip(trials, places, strict=True)
    ]
    _draw_lines(figure, axes, trials, lines)
    for column, scale in enumerate(scales):
        _draw_axis(axes, column, scale)
    _dress(axes, names, metric, min(place for line in lines for place in line) - _MARGIN)
    remark(axes, some_of(len(names), count_varied(trials), bool(importances)), size=_FONT)
    add_legend(figure, size=_FONT)
    return figure


def _score_places(trials: Sequence[TrialRecord], metric: Metric) -> list[float]:
    """The place of each score on its axis, from 0 for the lowest to 1 for the highest."""
    scores = [score_of(trial) for trial in trials]
    if metric.unbounded:
        scores = [math.log(max(score, 1e-6)) for score in scores]
    low, high, *_ = ScoreRange.of(scores, metric)
    scores = [min(max(score, low), high) for score in scores]
    return [(score - low) / (high - low) if high > low else 0.5 for score in scores]


def _draw_lines(figure: Figure, axes: Axes, trials: Sequence[TrialRecord], lines: Sequence[Sequence[float]]) -> None:
    """Draws the worst trials first and the best one, which stands out, last."""
    metric, norm = trials[0].metric, score_colours(trials)
    width, opacity = line_style(len(trials))
    colours = _COLOURS if metric.loss(1.0) < 0 else _COLOURS.reversed()
    cut = [trial.state is not TrialState.COMPLETE for trial in trials]
    collection = LineCollection(
        [list(enumerate(line)) for line in lines],
        cmap=colours,
        norm=norm,
        linewidths=[width / 2 if short else width for short in cut],
        alpha=opacity,
        zorder=2,
    )
    collection.set_array([score_of(trial) for trial in trials])
    axes.add_collection(collection)
    best = ranked(trials)[0]
    line = lines[next(index for index, trial in enumerate(trials) if trial.number == best.number)]
    label = f"best: trial {best.number}, {score_of(best):.4f}"
    halo = [Stroke(linewidth=6.5, foreground="white"), Normal()]
    axes.plot(range(len(line)), line, color=ORANGE, linewidth=4, zorder=4, label=label, path_effects=halo)
    shades = ScalarMappable(norm, colours)
    bar = figure.colorbar(shades, ax=axes, pad=0.02, aspect=30, extend=_open_end(trials, norm))
    bar.set_label(describe_score(metric), fontsize=_FONT)
    bar.ax.tick_params(labelsize=_FONT)


def line_style(trials: int) -> tuple[float, float]:
    """The width in points and the opacity of the lines of so many trials: what many of them share stays visible.

    >>> line_style(10), line_style(2000)
    ((2.4, 0.95), (0.69, 0.365))
    """
    share = math.sqrt(min(1.0, _FEW_LINES / trials))
    return round(0.5 + 1.9 * share, 3), round(0.3 + 0.65 * share, 3)


def score_colours(trials: Sequence[TrialRecord]) -> Normalize:
    """The colours of scores: the whole range but for the worst fifth of the trials, which are the worst first."""
    scores = [score_of(trial) for trial in trials]
    ends = scores[min(int(_CLIPPED * len(scores)), len(scores) - 1)], scores[-1]
    low, high = min(ends), max(ends)
    if trials[0].metric.unbounded and low > 0:
        return LogNorm(low, high if high > low else 1.01 * low)
    return Normalize(low, high if high > low else low + 0.01)


def _open_end(trials: Sequence[TrialRecord], norm: Normalize) -> str:
    """Which end of the colours has worse trials beyond it."""
    worst, low = score_of(trials[0]), norm.vmin or 0.0
    beyond = worst != score_of(trials[min(int(_CLIPPED * len(trials)), len(trials) - 1)])
    return "neither" if not beyond else "min" if worst < low else "max"


def _draw_axis(axes: Axes, column: int, scale: Scale) -> None:
    """The axis of one hyperparameter, with its ticks on a light ground over the lines."""
    axes.axvline(column, color="#555555", linewidth=1, zorder=3)
    for place, text in scale.ticks:
        axes.annotate(
            text,
            (column, place),
            (4, 0),
            textcoords="offset points",
            fontsize=_FONT,
            va="center",
            zorder=5,
            bbox={"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.75},
        )
        axes.plot([column - 0.02, column + 0.02], [place, place], color="#555555", linewidth=1, zorder=3)


def _dress(axes: Axes, names: Sequence[str], metric: Metric, bottom: float) -> None:
    """The names below, the score at the right end, no frame."""
    axes.axvline(len(names), color="#555555", linewidth=1, zorder=3)
    axes.set_xlim(-0.1, len(names) + 0.1)
    axes.set_ylim(bottom, 1 + _MARGIN)
    texts = [*(shorten(name, _NAME) for name in names), metric.label]
    axes.set_xticks(range(len(names) + 1), texts, rotation=25, ha="right", fontsize=_FONT)
    axes.yaxis.set_major_locator(NullLocator())
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_facecolor("none")
    axes.grid(False)
    axes.axhline(bottom, color=GRID, linewidth=0.7)


def some_of(shown: int, count: int, by_importance: bool) -> str:
    """The remark that not all hyperparameters are shown; "" if they are.

    >>> some_of(12, 30, by_importance=True), some_of(12, 30, by_importance=False)
    ('the 12 most important of 30 hyperparameters', 'the first 12 of 30 hyperparameters')
    """
    which = f"{shown} most important" if by_importance else f"first {shown}"
    return f"the {which} of {count} hyperparameters" if shown < count else ""
