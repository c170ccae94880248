"""How well predictions agree with labels: numpy only."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Scores = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The confusion of one split: ``confusion[t, p]`` images of class ``t`` were taken for class ``p``.

    Precision, recall and F1 are as in scikit-learn's ``classification_report``, one a class; where one would be 0/0
    (a class that was never predicted, or has no images) it is 0.0, and so is the accuracy of no images.
    """

    classes: tuple[str, ...]
    confusion: Counts

    @property
    def n(self) -> int:
        """How many images."""
        return int(self.confusion.sum())

    @property
    def support(self) -> Counts:
        """Images of each class."""
        counts: Counts = self.confusion.sum(axis=1)
        return counts

    @property
    def accuracy(self) -> float:
        """Share of the images whose class was predicted."""
        return float(_share(np.trace(self.confusion), self.confusion.sum()))

    @property
    def precision(self) -> Scores:
        """Of the images taken for a class, the share that are of it."""
        return _share(np.diagonal(self.confusion), self.confusion.sum(axis=0))

    @property
    def recall(self) -> Scores:
        """Of the images of a class, the share taken for it."""
        return _share(np.diagonal(self.confusion), self.support)

    @property
    def f1(self) -> Scores:
        """Harmonic mean of precision and recall."""
        return _share(2 * np.diagonal(self.confusion), self.confusion.sum(axis=0) + self.support)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON: n, accuracy, classes, per_class and confusion."""
        rows = zip(self.classes, self.precision, self.recall, self.f1, self.support, strict=True)
        per_class = [
            {"class": name, "precision": float(p), "recall": float(r), "f1": float(f), "support": int(s)}
            for name, p, r, f, s in rows
        ]
        return {
            "n": self.n,
            "accuracy": self.accuracy,
            "classes": list(self.classes),
            "per_class": per_class,
            "confusion": self.confusion.tolist(),
        }


def confusion(labels: NDArray[Any], predicted: NDArray[Any], classes: int) -> Counts:
    """How often label ``t`` was predicted as ``p``: int64 (classes, classes). Both are in 0..classes - 1."""
    cells = np.asarray(labels, np.int64) * classes + np.asarray(predicted, np.int64)
    return np.bincount(cells, minlength=classes * classes).astype(np.int64).reshape(classes, classes)


def evaluate(probabilities: NDArray[Any], labels: NDArray[Any], classes: tuple[str, ...]) -> Evaluation:
    """Takes the most probable class of each image (the first among equals) and compares it with its label.

    ``probabilities`` is (n, classes), ``labels`` (n,) in 0..classes - 1.
    """
    return Evaluation(classes, confusion(labels, np.argmax(probabilities, axis=1), len(classes)))


def _share(part: Any, whole: Any) -> Scores:
    """part / whole, and 0.0 where the whole is 0."""
    part, whole = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    shares: Scores = np.divide(part, whole, out=np.zeros_like(whole), where=whole != 0)
    return shares
