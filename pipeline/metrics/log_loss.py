"""Log loss: the mean negative logarithm of the right class's probability. It punishes confident errors."""

import math
from typing import TYPE_CHECKING

from pipeline.metrics.metric import Direction, Metric

if TYPE_CHECKING:
    from pipeline.arrays import Labels, Probabilities
    from pipeline.metrics.metric import Scores
    from pipeline.metrics.resamples import Counts


def compute(labels: "Labels", probabilities: "Probabilities") -> float:
    """See ``sklearn.metrics.log_loss``: in nats. A probability of 0 counts as 2.2e-16, which costs 36 nats.

    The rows are scaled to add up to exactly 1, since scikit-learn warns of those from float32, which do so up to
    rounding only.
    """
    from sklearn.metrics import log_loss

    scaled = probabilities / probabilities.sum(axis=1, keepdims=True)
    return float(log_loss(labels, scaled, labels=range(probabilities.shape[1])))


def resampled(labels: "Labels", probabilities: "Probabilities", counts: "Counts") -> "Scores":
    """The mean loss in each resample."""
    import numpy as np

    tiny = np.finfo(np.float64).eps
    right = probabilities[np.arange(len(labels)), labels] / probabilities.sum(axis=1)
    losses = -np.log(np.clip(right, tiny, 1 - tiny))
    means: Scores = losses @ counts / counts.sum(axis=0)
    return means


LOG_LOSS = Metric("log_loss", "log loss", Direction.MINIMIZE, compute, bounds=(0.0, math.inf), resampled=resampled)
