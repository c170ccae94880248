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
    ``precision``, ``recall`` and ``f1`` are float64 (classes,), as in scikit-learn's ``classification_report``; a
    ratio of 0/0 (a class that was never predicted, or has no images) is 0. ``scores`` maps the name of each metric
    that is defined for this number of classes to its score, which may be NaN.
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

    def score(self, metric: str) -> float | None:
        """The score of a metric; None where it is not defined for these classes or images."""
        score = self.scores.get(metric, math.nan)
        return score if math.isfinite(score) else None

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON: n, scores (of every metric, None if not defined), classes, per_class and
        confusion.
        """
        rows = zip(self.classes, self.precision, self.recall, self.f1, self.support, strict=True)
        per_class = [
            {"class": name, "precision": float(p), "recall": float(r), "f1": float(f), "support": int(s)}
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
        zeros = np.zeros(count)
        return Evaluation(classes, np.zeros((count, count), np.int64), zeros, zeros, zeros, scores)
    predicted = probabilities.argmax(axis=1)
    confusion = confusion_matrix(labels, predicted, labels=range(count))
    precision, recall, f1, _ = precision_recall_fscore_support(
        labels, predicted, labels=range(count), zero_division=0.0
    )
    return Evaluation(classes, confusion, precision, recall, f1, scores)
