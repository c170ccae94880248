"""Accuracy: the share of images whose most probable class is the right one."""

from typing import TYPE_CHECKING

from pipeline.metrics.metric import Direction, Metric

if TYPE_CHECKING:
    from pipeline.arrays import Labels, Probabilities


def compute(labels: "Labels", probabilities: "Probabilities") -> float:
    """See ``sklearn.metrics.accuracy_score``. Of equally probable classes, the first is the predicted one."""
    from sklearn.metrics import accuracy_score

    return float(accuracy_score(labels, probabilities.argmax(axis=1)))


ACCURACY = Metric("accuracy", "accuracy", Direction.MAXIMIZE, compute, share_of_images=True)
