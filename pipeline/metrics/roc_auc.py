"""ROC AUC: the probability that an image of a class gets a higher probability of that class than another image."""

import math
from typing import TYPE_CHECKING

from pipeline.metrics.metric import Direction, Metric

if TYPE_CHECKING:
    from pipeline.metrics.metric import Labels, Probabilities


def compute(labels: "Labels", probabilities: "Probabilities") -> float:
    """The macro average of ``sklearn.metrics.roc_auc_score``, each class against all others; ties count one half.

    A class that has none of the images, or all, has no such area and is left out. NaN when no class is left.
    """
    import numpy as np
    from sklearn.metrics import roc_auc_score

    counts = np.bincount(labels, minlength=probabilities.shape[1])
    classes = np.flatnonzero((counts > 0) & (counts < len(labels)))
    if not len(classes):
        return math.nan
    # Measured for 10,000 images of 100 classes: 200 ms, against 330 ms for one call of roc_auc_score per class.
    # An index in place of take() would return columns in Fortran order, with which roc_auc_score takes 310 ms.
    return float(roc_auc_score(labels[:, None] == classes, probabilities.take(classes, axis=1), average="macro"))


ROC_AUC = Metric("roc_auc", "ROC AUC", Direction.MAXIMIZE, compute, classes_count_alike=True)
