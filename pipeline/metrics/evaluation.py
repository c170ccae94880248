"""How well a model's predictions for one split agree with the labels: scores, counts and ratios of each class."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pipeline.metrics import METRICS, compute_metrics
from pipeline.metrics.bootstrap import confidence_intervals
from pipeline.metrics.calibration import Calibration, measure_calibration
from pipeline.metrics.interval import CONFIDENCE, Interval, wilson

if TYPE_CHECKING:
    from pipeline.arrays import Labels, Probabilities


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The result for one split.

    ``confusion`` is int64 (classes, classes): ``confusion[t, p]`` images of class ``t`` were taken for class ``p``.
    ``precision``, ``recall`` and ``f1`` are float64 (classes,), as in scikit-learn's ``classification_report``. Recall
    and F1 of a class without images are NaN; the precision of one that was never predicted is 0. ``scores`` maps the
    name of each metric that is defined for this number of classes to its score, which may be NaN; ``intervals`` maps it
    to the score's 95 % interval, None if nothing can be said (``pipeline.metrics.bootstrap`` says how they are made).
    ``calibration`` says whether the probabilities can be believed; ``evaluate`` always sets both.
    """

    classes: tuple[str, ...]
    confusion: NDArray[np.int64]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    f1: NDArray[np.float64]
    scores: dict[str, float]
    intervals: Mapping[str, Interval | None] = field(default_factory=dict)
    calibration: Calibration | None = None

    @property
    def n(self) -> int:
        """The number of images."""
        return int(self.confusion.sum())

    @property
    def support(self) -> NDArray[np.int64]:
        """The number of images of each class."""
        counts: NDArray[np.int64] = self.confusion.sum(axis=1)
        return counts

    @property
    def false_alarms(self) -> list[str]:
        """The classes without images that some were taken for: macro F1 counts 0 for each."""
        predicted = self.confusion.sum(axis=0)
        return [self.classes[label] for label in np.flatnonzero((self.support == 0) & (predicted > 0))]

    @property
    def recall_intervals(self) -> list[Interval | None]:
        """Wilson's 95 % interval of the recall of each class; None for a class without images."""
        return [
            wilson(hits, n) for hits, n in zip(np.diag(self.confusion).tolist(), self.support.tolist(), strict=True)
        ]

    @property
    def precision_intervals(self) -> list[Interval | None]:
        """Wilson's 95 % interval of the precision of each class; None for a class that was never predicted."""
        predicted = self.confusion.sum(axis=0).tolist()
        return [wilson(hits, n) for hits, n in zip(np.diag(self.confusion).tolist(), predicted, strict=True)]

    def score(self, metric: str) -> float | None:
        """The score of a metric; None where it is not defined for these classes or images."""
        score = self.scores.get(metric, math.nan)
        return score if math.isfinite(score) else None

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; None if not defined.

        n, scores and intervals (of every metric), classes, per_class, confusion and calibration. An interval is
        [low, high].
        """
        return {
            "n": self.n,
            "scores": {name: self.score(name) for name in METRICS},
            "intervals": {name: _ends(self.intervals.get(name)) for name in METRICS},
            "confidence": CONFIDENCE,
            "classes": list(self.classes),
            "per_class": self._rows(),
            "confusion": self.confusion.tolist(),
            "calibration": None if self.calibration is None else self.calibration.as_dict(),
        }

    def _rows(self) -> list[dict[str, Any]]:
        ratios = zip(self.precision, self.recall, self.f1, strict=True)
        intervals = zip(self.precision_intervals, self.recall_intervals, strict=True)
        return [
            {
                "class": name,
                "precision": _plain(precision),
                "precision_interval": _ends(of_precision),
                "recall": _plain(recall),
                "recall_interval": _ends(of_recall),
                "f1": _plain(f1),
                "support": support,
            }
            for name, (precision, recall, f1), (of_precision, of_recall), support in zip(
                self.classes, ratios, intervals, self.support.tolist(), strict=True
            )
        ]


def evaluate(labels: "Labels", probabilities: "Probabilities", classes: tuple[str, ...]) -> Evaluation:
    """Compares the most probable class of each image (the first of equally probable ones) with its label.

    ``labels`` are (n,) in 0..len(classes) - 1, ``probabilities`` (n, classes); n may be 0.
    """
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    count, scores = len(classes), compute_metrics(labels, probabilities)
    more = confidence_intervals(labels, probabilities, scores), measure_calibration(labels, probabilities)
    if not len(labels):
        none, zeros = np.full(count, math.nan), np.zeros(count)
        return Evaluation(classes, np.zeros((count, count), np.int64), zeros, none, none, scores, *more)
    predicted = probabilities.argmax(axis=1)
    confusion = confusion_matrix(labels, predicted, labels=range(count))
    precision, recall, f1, support = precision_recall_fscore_support(
        labels, predicted, labels=range(count), zero_division=0.0
    )
    recall[support == 0] = f1[support == 0] = math.nan
    return Evaluation(classes, confusion, precision, recall, f1, scores, *more)


def most_confused(confusion: NDArray[np.int64]) -> list[tuple[int, int, int]]:
    """The pairs of a class and the one that it was taken for, with the number of images; the most frequent pair first.

    >>> most_confused(np.array([[5, 1, 0], [3, 4, 0], [0, 0, 9]]))
    [(1, 0, 3), (0, 1, 1)]
    """
    wrong = confusion.copy()
    np.fill_diagonal(wrong, 0)
    cells = np.argsort(-wrong, axis=None, kind="stable")[: np.count_nonzero(wrong)]
    pairs = (divmod(int(cell), len(wrong)) for cell in cells)
    return [(true, taken, int(wrong[true, taken])) for true, taken in pairs]


def _plain(ratio: float) -> float | None:
    return float(ratio) if math.isfinite(ratio) else None


def _ends(interval: Interval | None) -> list[float] | None:
    return None if interval is None else list(interval)
