"""ROC AUC: the probability that an image of a class gets a higher probability of that class than another image."""

import math
from typing import TYPE_CHECKING, Any

from pipeline.metrics.metric import Direction, Metric

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pipeline.arrays import Labels, Probabilities
    from pipeline.metrics.metric import Scores
    from pipeline.metrics.resamples import Counts


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


def resampled(labels: "Labels", probabilities: "Probabilities", counts: "Counts") -> "Scores":
    """The mean area in each resample, by counting pairs of an image of the class and another one."""
    import numpy as np

    areas = [_areas(labels == label, probabilities[:, label], counts) for label in np.unique(labels)]
    means: Scores = np.mean(areas, axis=0)
    return means


def _areas(positive: "NDArray[np.bool_]", scores: "NDArray[np.floating[Any]]", counts: "Counts") -> "Scores":
    """The share of pairs, in each resample, in which the positive image has the higher score; ties count one half."""
    import numpy as np

    others = np.flatnonzero(~positive)
    others = others[np.argsort(scores[others], kind="stable")]
    below = np.zeros((len(others) + 1, counts.shape[1]), np.int32)
    np.cumsum(counts[others], axis=0, out=below[1:])
    lower = below[np.searchsorted(scores[others], scores[positive], "left")]
    not_higher = below[np.searchsorted(scores[others], scores[positive], "right")]
    drawn = counts[positive].astype(np.int64)
    won = (drawn * (lower + not_higher)).sum(axis=0) / 2
    pairs = drawn.sum(axis=0) * below[-1]
    areas: Scores = won / pairs
    return areas


ROC_AUC = Metric("roc_auc", "ROC AUC", Direction.MAXIMIZE, compute, classes_count_alike=True, resampled=resampled)
