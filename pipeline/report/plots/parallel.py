"""Parallel coordinates: a line for each trial across the hyperparameters that varied, to its score."""

import math
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from pipeline.metrics import Metric
from pipeline.report.formatting import describe_score
from pipeline.report.plots.figure import GRID, ORANGE, ScoreRange, add_legend, blank_figure, score_of, shorten
from pipeline.report.plots.scale import Scale, count_varied, scored, varied
from pipeline.study.record import TrialRecord, ranked
from pipeline.study.trial import TrialState

_CLIPPED = 0.2
"""The share of the trials, the worst ones, that have one colour: a few failures would make all others alike."""

_COLOURS = "viridis_r"

_MARGIN = 0.08
"""How far an axis goes on beyond its outermost trials."""

_NAME = 18
"""Characters of a hyperparameter's name."""


def draw_parallel(records: Sequence[TrialRecord], importances: Mapping[str, float]) -> Figure | None:
    """The trials with a score as lines; None where there are fewer than two or nothing varied."""
    trials = scored(records)
    names = varied(trials, importances)
    if len(trials) < 2 or not names:
        return None
    metric = trials[0].metric
    figure = blank_figure(min(14.0, 3.5 + 1.1 * len(names)), 4.6)
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
    axes.set_title(f"Parallel coordinates{some_of(len(names), count_varied(trials), bool(importances))}")
    add_legend(figure)
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
    cut = [trial.state is not TrialState.COMPLETE for trial in trials]
    collection = LineCollection(
        [list(enumerate(line)) for line in lines],
        cmap=_COLOURS if metric.loss(1.0) < 0 else _COLOURS.removesuffix("_r"),
        norm=norm,
        linewidths=[0.8 if short else 1.4 for short in cut],
        alpha=[0.35 if short else 0.8 for short in cut],
        zorder=2,
    )
    collection.set_array([score_of(trial) for trial in trials])
    axes.add_collection(collection)
    best = ranked(trials)[0]
    line = lines[next(index for index, trial in enumerate(trials) if trial.number == best.number)]
    label = f"best: trial {best.number}, {score_of(best):.4f}"
    axes.plot(range(len(line)), line, color=ORANGE, linewidth=3, zorder=4, label=label, marker="o", markersize=4)
    bar = figure.colorbar(collection, ax=axes, pad=0.02, aspect=30, extend=_open_end(trials, norm))
    bar.set_label(describe_score(metric))


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
            fontsize=8,
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
    axes.set_xticks(
        range(len(names) + 1), [*(shorten(name, _NAME) for name in names), metric.label], rotation=25, ha="right"
    )
    axes.yaxis.set_major_locator(NullLocator())
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_facecolor("none")
    axes.grid(False)
    axes.axhline(bottom, color=GRID, linewidth=0.7)


def some_of(shown: int, count: int, by_importance: bool) -> str:
    """The part of a title that says that not all hyperparameters are shown; "" if they are.

    >>> some_of(12, 30, by_importance=True), some_of(12, 30, by_importance=False)
    (': the 12 most important of 30 hyperparameters', ': the first 12 of 30 hyperparameters')
    """
    which = f"{shown} most important" if by_importance else f"first {shown}"
    return f": the {which} of {count} hyperparameters" if shown < count else ""
