"""Draws all the pictures of a search."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline.report.plots.curves import draw_curves
from pipeline.report.plots.figure import write_figure
from pipeline.report.plots.front import draw_front
from pipeline.report.plots.history import draw_history
from pipeline.report.plots.importance import draw_importance
from pipeline.study.objective import MINIMIZED
from pipeline.study.paths import StudyPaths
from pipeline.study.record import TrialRecord
from pipeline.study.trial import TrialState


def draw_plots(records: Sequence[TrialRecord], importances: Mapping[str, float], paths: StudyPaths) -> list[Path]:
    """Draws the pictures for which there are data into the study's folder of plots, and returns their files.

    - ``history.png``: the score of every trial and the best so far
    - ``importance.png``: the importance of each hyperparameter
    - ``curves.png``: the validation metric over the epochs of the best trials
    - ``front_macs.png`` and the like: the score against each cost that the study minimises, with the Pareto front

    A picture without data is not drawn, and the one that an earlier run drew is removed.
    """
    figures = {
        "history.png": draw_history(records),
        "importance.png": draw_importance(importances, sum(record.state is TrialState.COMPLETE for record in records)),
        "curves.png": draw_curves(records, paths),
        **{f"front_{name}.png": draw_front(records, cost) for name, cost in MINIMIZED.items()},
    }
    for name, figure in figures.items():
        write_figure(paths.plots / name, figure)
    return [paths.plots / name for name, figure in figures.items() if figure is not None]
