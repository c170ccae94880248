"""Balanced accuracy: the mean recall of the classes, so that a rare class counts as much as a frequent one."""

from typing import TYPE_CHECKING

from pipeline.metrics.metric import Direction, Metric

if TYPE_CHECKING:
    from pipeline.arrays import Labels, Probabilities
    from pipeline.metrics.metric import Scores
    from pipeline.metrics.resamples import Counts


def compute(labels: "Labels", probabilities: "Probabilities") -> float:
    """The macro average of ``sklearn.metrics.recall_score`` over the classes that occur in ``labels``.

    ``sklearn.metrics.balanced_accuracy_score`` is the same, but warns of predicted classes that do not occur.
    """
    import numpy as np
    from sklearn.metrics import recall_score

    present = np.unique(labels)
    return float(recall_score(labels, probabilities.argmax(axis=1), labels=present, average="macro", zero_division=0.0))


def resampled(labels: "Labels", probabilities: "Probabilities", counts: "Counts") -> "Scores":
    """The mean recall in each resample."""
    import numpy as np

    from pipeline.metrics.resamples import mean_where, sum_by_class

    classes, hit = probabilities.shape[1], probabilities.argmax(axis=1) == labels
    support = sum_by_class(counts, labels, classes)
    hits = sum_by_class(counts[hit], labels[hit], classes)
    return mean_where(hits / np.maximum(support, 1), support > 0)


BALANCED_ACCURACY = Metric(
    "balanced_accuracy",
    "balanced accuracy",
    Direction.MAXIMIZE,
    compute,
    classes_count_alike=True,
    resampled=resampled,
)
