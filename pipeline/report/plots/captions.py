"""The heading of each plot, and a sentence that says how to read it."""

from collections.abc import Mapping
from typing import NamedTuple

from pipeline.study.objective import MINIMIZED


class Caption(NamedTuple):
    """A heading, and how to read the plot below it."""

    title: str
    text: str


_FRONT = (
    "Each point is a complete trial by the cost of its network; the line is the best score that no higher cost buys, "
    "and where it levels off a larger network stops paying."
)

CAPTIONS: Mapping[str, Caption] = {
    "history.png": Caption(
        "Optimisation history",
        "Each point is a trial, the line is the best complete one so far: where it has been flat for long, more trials "
        "of this kind will help little.",
    ),
    "parallel.png": Caption(
        "Parallel coordinates",
        "Each line is a trial: follow it across its hyperparameters to its score at the right end; where the lines of "
        "good scores, the dark ones, meet on an axis, that value mattered. Thin lines are trials that ended early.",
    ),
    "importance.png": Caption(
        "Importance of the hyperparameters",
        "How much each hyperparameter tells the best complete trials from the others (PED-ANOVA); from few trials it "
        "is a rough guide.",
    ),
    "slices.png": Caption(
        "Slices",
        "The score against each hyperparameter alone; yellow points are the latest trials, so they show where the "
        "search went, and a ring marks the best one.",
    ),
    **{f"front_{name}.png": Caption(f"Score against {name}", _FRONT) for name in MINIMIZED},
    "curves.png": Caption(
        "Learning curves",
        "The validation score after each epoch: a curve that still rises at its end asks for more epochs, one that "
        "falls overfits.",
    ),
    "timeline.png": Caption(
        "Timeline of the workers",
        "Each bar is a trial on its worker, with its number where there is room; white between bars is time in which a "
        "worker waited.",
    ),
    "confusion.png": Caption(
        "Confusion matrix",
        "Rows are what the images are, columns what they were taken for: off the diagonal are the mistakes.",
    ),
    "wrong.png": Caption(
        "Wrong images",
        "The mistakes of which the model was most certain, as it sees them: often a wrong label, or an image that "
        "shows two classes. Under each: its file, its class, and the predicted class with its probability.",
    ),
}
"""By the name of the plot's file, in the order of the report."""
