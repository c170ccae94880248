"""Balanced accuracy: the mean recall of the classes, so that a rare class counts as much as a frequent one."""

from typing import TYPE_CHECKING

from pipeline.metrics.metric import Direction, Metric

if TYPE_CHECKING:
    from pipeline.metrics.metric import Labels, Probabilities


def compute(labels: "Labels", probabilities: "Probabilities") -> float:
    """The macro average of ``sklearn.metrics.recall_score`` over the classes that occur in ``labels``.

    ``sklearn.metrics.balanced_accuracy_score`` is the same, but warns of predicted classes that do not occur.
    """
    import numpy as np
    from sklearn.metrics import recall_score

    present = np.unique(labels)
    return float(recall_score(labels, probabilities.argmax(axis=1), labels=present, average="macro", zero_division=0.0))


BALANCED_ACCURACY = Metric(
    "balanced_accuracy", "balanced accuracy", Direction.MAXIMIZE, compute, classes_count_alike=True
)
