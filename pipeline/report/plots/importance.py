"""The importance of each hyperparameter in a search."""

from collections.abc import Mapping

from matplotlib.figure import Figure

from pipeline.report.plots.figure import BLUE, new_figure

_BARS = 15
"""The most hyperparameters that are drawn."""


def draw_importance(importances: Mapping[str, float], trials: int) -> Figure | None:
    """The largest importances as bars; None where there are none.

    ``trials`` is the number of complete trials that they were measured in.
    """
    largest = sorted(importances.items(), key=lambda item: -item[1])[:_BARS]
    if not largest:
        return None
    figure, axes = new_figure(7, 1.4 + 0.3 * len(largest))
    bars = axes.barh([name for name, _ in largest], [share for _, share in largest], color=BLUE, zorder=3)
    axes.bar_label(bars, [f"{share:.2f}" for _, share in largest], padding=3, fontsize=9)
    axes.invert_yaxis()
    axes.set(xlabel=f"importance in {trials} complete trials (shares; all add up to 1)", xlim=(0, 1.12 * largest[0][1]))
    return figure
