"""A metric: a name, a direction, and a function of labels and probabilities."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Scores = NDArray[np.float64]

    from pipeline.arrays import Labels, Probabilities
    from pipeline.metrics.resamples import Counts


class Direction(StrEnum):
    """Whether a higher or a lower score is better; the names are Optuna's."""

    MAXIMIZE = "maximize"
    MINIMIZE = "minimize"


@dataclass(frozen=True)
class Metric:
    """One way to score a classifier.

    ``name`` is used in files and flags, ``label`` in tables and plots. ``compute(labels, probabilities)`` takes class
    numbers (n,) with n of at least 1, and float64 probabilities (n, classes) whose rows add up to 1 up to the rounding
    of whatever type they came in. It returns the score, or NaN where the metric is not defined for these labels.
    ``fewest_classes`` is the smallest number of classes for which the score is informative. ``bounds`` are the lowest
    and the highest possible score. ``share_of_images`` scores move in steps of 1 / n;
    ``classes_count_alike`` ones give a rare class the weight of a frequent one.

    ``resampled(labels, probabilities, counts)`` is optional: it does for many resamples at once what ``compute`` would
    do for one after the other, where that takes too long. See ``pipeline.metrics.bootstrap``.
    """

    name: str
    label: str
    direction: Direction
    compute: "Callable[[Labels, Probabilities], float]"
    fewest_classes: int = 2
    bounds: tuple[float, float] = (0.0, 1.0)
    share_of_images: bool = False
    classes_count_alike: bool = False
    resampled: "Callable[[Labels, Probabilities, Counts], Scores] | None" = None

    @property
    def logged_as(self) -> str:
        """Its name among the metrics of an epoch, where it is measured on the validation images."""
        return f"val_{self.name}"

    @property
    def unbounded(self) -> bool:
        """Whether scores have no upper end, so that plots of them have a logarithmic axis."""
        return math.isinf(self.bounds[1])

    @property
    def best(self) -> float:
        """The best possible score."""
        return self.bounds[self.direction is Direction.MAXIMIZE]

    def loss(self, score: float) -> float:
        """The score on a scale on which smaller is better: the score itself, or its negative.

        >>> from pipeline.metrics import METRICS
        >>> METRICS["accuracy"].loss(0.9), METRICS["log_loss"].loss(0.3)
        (-0.9, 0.3)
        """
        return score if self.direction is Direction.MINIMIZE else -score

    def better(self, score: float, than: float | None) -> bool:
        """Whether ``score`` is finite and beats ``than``. None and scores that are not finite lose to any finite one.

        >>> from pipeline.metrics import METRICS
        >>> METRICS["log_loss"].better(0.2, than=0.5)
        True
        >>> METRICS["accuracy"].better(math.nan, than=None)
        False
        """
        if not math.isfinite(score):
            return False
        return than is None or not math.isfinite(than) or self.loss(score) < self.loss(than)

    def reaches(self, score: float, goal: float) -> bool:
        """Whether ``score`` is at least as good as ``goal``; NaN is not.

        >>> from pipeline.metrics import METRICS
        >>> METRICS["log_loss"].reaches(0.2, goal=0.2), METRICS["accuracy"].reaches(0.89, goal=0.9)
        (True, False)
        """
        return self.loss(score) <= self.loss(goal)

    def defined_for(self, classes: int) -> bool:
        """Whether the metric is informative for a classifier with this number of classes."""
        return classes >= self.fewest_classes
