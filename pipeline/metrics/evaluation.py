"""How well a model's predictions for one split agree with the labels: scores, counts and ratios of each class."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pipeline.metrics import METRICS, compute_metrics

if TYPE_CHECKING:
    from pipeline.metrics.metric import Labels, Probabilities


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The result for one split.

    ``confusion`` is int64 (classes, classes): ``confusion[t, p]`` images of class ``t`` were taken for class ``p``.
    ``precision``, ``recall`` and ``f1`` are float64 (classes,), as in scikit-learn's ``classification_report``. Recall
    and F1 of a class without images are NaN; the precision of one that was never predicted is 0. ``scores`` maps the
    name of each metric that is defined for this number of classes to its score, which may be NaN.
    """

    classes: tuple[str, ...]
    confusion: NDArray[np.int64]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    f1: NDArray[np.float64]
    scores: dict[str, float]

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

    def score(self, metric: str) -> float | None:
        """The score of a metric; None where it is not defined for these classes or images."""
        score = self.scores.get(metric, math.nan)
        return score if math.isfinite(score) else None

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON: n, scores (of every metric), classes, per_class and confusion; None if not defined."""
        rows = zip(self.classes, self.precision, self.recall, self.f1, self.support, strict=True)
        per_class = [
            {"class": name, "precision": _plain(p), "recall": _plain(r), "f1": _plain(f), "support": int(s)}
            for name, p, r, f, s in rows
        ]
        return {
            "n": self.n,
            "scores": {name: self.score(name) for name in METRICS},
            "classes": list(self.classes),
            "per_class": per_class,
            "confusion": self.confusion.tolist(),
        }


def evaluate(labels: "Labels", probabilities: "Probabilities", classes: tuple[str, ...]) -> Evaluation:
    """Compares the most probable class of each image (the first of equally probable ones) with its label.

    ``labels`` are (n,) in 0..len(classes) - 1, ``probabilities`` (n, classes); n may be 0.
    """
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    count, scores = len(classes), compute_metrics(labels, probabilities)
    if not len(labels):
        none, zeros = np.full(count, math.nan), np.zeros(count)
        return Evaluation(classes, np.zeros((count, count), np.int64), zeros, none, none, scores)
    predicted = probabilities.argmax(axis=1)
    confusion = confusion_matrix(labels, predicted, labels=range(count))
    precision, recall, f1, support = precision_recall_fscore_support(
        labels, predicted, labels=range(count), zero_division=0.0
    )
    recall[support == 0] = f1[support == 0] = math.nan
    return Evaluation(classes, confusion, precision, recall, f1, scores)


def _plain(ratio: float) -> float | None:
    return float(ratio) if math.isfinite(ratio) else None
