"""Draws the plots of a search, and writes plots to the folder of their study."""

from collections.abc import Mapping
from pathlib import Path

from matplotlib.figure import Figure

from pipeline.files import replacing
from pipeline.report.plots.curves import draw_curves
from pipeline.report.plots.figure import png
from pipeline.report.plots.front import draw_front
from pipeline.report.plots.history import draw_history
from pipeline.report.plots.importance import draw_importance
from pipeline.report.plots.parallel import draw_parallel
from pipeline.report.plots.slices import draw_slices
from pipeline.report.plots.timeline import draw_timeline
from pipeline.report.study_trials import StudyTrials
from pipeline.study.objective import MINIMIZED
from pipeline.study.trial import TrialState

SEARCH = (
    "history.png",
    "parallel.png",
    "importance.png",
    "slices.png",
    *(f"front_{name}.png" for name in MINIMIZED),
    "curves.png",
    "timeline.png",
)
"""The plots of the search."""


def draw_search(trials: StudyTrials) -> dict[str, bytes]:
    """The PNG files of the plots of a search for which there are data, by name.

    - ``history.png``: the score of every trial and the best so far
    - ``parallel.png``: a line for each trial across the hyperparameters that varied, to its score
    - ``importance.png``: the importance of each hyperparameter
    - ``slices.png``: the score against each hyperparameter
    - ``front_macs.png`` and the like: the score against each cost that the study minimises, and against its MACs
    - ``curves.png``: the validation metric over the epochs of all trials
    - ``timeline.png``: when each trial ran, and on which worker
    """
    records, importances = trials.records, trials.importances
    complete = sum(record.state is TrialState.COMPLETE for record in records)
    figures: dict[str, Figure | None] = {
        "history.png": draw_history(records),
        "parallel.png": draw_parallel(records, importances),
        "importance.png": draw_importance(importances, complete),
        "slices.png": draw_slices(records, importances),
        **{f"front_{name}.png": draw_front(records, MINIMIZED[name]) for name in _costs(trials)},
        "curves.png": draw_curves(records, trials.paths),
        "timeline.png": draw_timeline(trials.runs),
    }
    return {name: png(figure) for name, figure in figures.items() if figure is not None}


def _costs(trials: StudyTrials) -> list[str]:
    """The objectives whose costs are drawn: those that the study minimises, and MACs."""
    minimized = trials.records[0].objective.minimized if trials.records else ()
    return [name for name, cost in MINIMIZED.items() if cost in minimized or name == "macs"]


def write_plots(plots: Mapping[str, bytes], names: tuple[str, ...], folder: Path) -> None:
    """Writes the plots of these names into the folder; one that is not there, an earlier run's, is removed."""
    for name in names:
        if name in plots:
            with replacing(folder / name) as temporary:
                temporary.write_bytes(plots[name])
        else:
            (folder / name).unlink(missing_ok=True)
