"""Slices: the score against each hyperparameter that varied, in a grid of small panels."""

import math
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pipeline.report.formatting import describe_score
from pipeline.report.plots.figure import (
    ORANGE,
    ScoreRange,
    blank_figure,
    score_of,
    shorten,
    use_house_style,
)
from pipeline.report.plots.parallel import some_of
from pipeline.report.plots.scale import Scale, count_varied, scored, varied
from pipeline.study.record import TrialRecord, ranked

_COLUMNS = 4
_NAME = 26
"""Panels in a row; characters of a hyperparameter's name."""

_ROOM = 11
"""Characters of all ticks of a panel that fit side by side."""


def draw_slices(records: Sequence[TrialRecord], importances: Mapping[str, float]) -> Figure | None:
    """One panel for each hyperparameter; None where fewer than two trials have a score or nothing varied."""
    trials = sorted(scored(records), key=lambda record: record.number)
    names = varied(trials, importances)
    if len(trials) < 2 or not names:
        return None
    columns, rows = min(_COLUMNS, len(names)), math.ceil(len(names) / _COLUMNS)
    figure = blank_figure(max(4.6, 1.2 + 2.3 * columns), 0.9 + 2.0 * rows)
    panels = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for axes in panels.flat[len(names) :]:
        axes.set_visible(False)
    shown = ScoreRange.of([score_of(trial) for trial in trials], trials[0].metric)
    for name, axes in zip(names, panels.flat, strict=False):
        points = _draw_panel(axes, name, trials, shown)
    shown.apply(panels[0, 0])
    if trials[0].metric.unbounded:
        panels[0, 0].set_yscale("log", nonpositive="clip")
    figure.supylabel(describe_score(trials[0].metric), fontsize=10)
    which = some_of(len(names), count_varied(trials), bool(importances))
    figure.suptitle("; ".join(filter(None, (which, shown.note))), fontsize=10, color="#555555", x=0.01, ha="left")
    bar = figure.colorbar(points, ax=panels, pad=0.02, aspect=20 * rows, label="trial number")
    bar.locator = MaxNLocator(6, integer=True)
    bar.update_ticks()
    return figure


def _draw_panel(axes: Axes, name: str, trials: Sequence[TrialRecord], shown: ScoreRange) -> PathCollection:
    """Draws the trials as points, coloured from the first to the last; a ring marks the best. Returns the points."""
    use_house_style(axes)
    scale = Scale.of([trial.params.get(name) for trial in trials])
    places = [scale.place(trial, name) for trial in trials]
    scores, numbers = [shown.clip(score_of(trial)) for trial in trials], [trial.number for trial in trials]
    points = axes.scatter(places, scores, c=numbers, cmap="viridis", s=16, alpha=0.85, zorder=3)
    best = ranked(trials)[0]
    axes.scatter(
        [scale.place(best, name)],
        [score_of(best)],
        s=70,
        facecolors="none",
        edgecolors=ORANGE,
        linewidths=1.8,
        zorder=4,
    )
    long = sum(len(text) for _, text in scale.ticks) > _ROOM
    axes.set_xticks(
        [place for place, _ in scale.ticks],
        [text for _, text in scale.ticks],
        fontsize=8,
        rotation=30 if long else 0,
        ha="right" if long else "center",
    )
    axes.tick_params(axis="y", labelsize=8)
    axes.set_xlim(min([-0.08, *(place - 0.08 for place in places)]), 1.08)
    axes.set_title(shorten(name, _NAME), fontsize=9)
    return points
