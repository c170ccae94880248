"""The metrics that score a trial: one file per metric, and the table of them all. scikit-learn computes them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pipeline.metrics.accuracy import ACCURACY
from pipeline.metrics.balanced_accuracy import BALANCED_ACCURACY
from pipeline.metrics.f1_macro import F1_MACRO
from pipeline.metrics.log_loss import LOG_LOSS
from pipeline.metrics.metric import Direction, Metric
from pipeline.metrics.roc_auc import ROC_AUC
from pipeline.metrics.top5_accuracy import TOP5_ACCURACY

if TYPE_CHECKING:
    from pipeline.arrays import Labels, Probabilities

__all__ = ["ACCURACY", "DEFAULT_METRIC", "METRICS", "Direction", "Metric", "compute_metrics"]

METRICS: Mapping[str, Metric] = {
    metric.name: metric for metric in (ACCURACY, BALANCED_ACCURACY, F1_MACRO, LOG_LOSS, ROC_AUC, TOP5_ACCURACY)
}
"""The metrics by name."""


DEFAULT_METRIC = ACCURACY
"""The metric of a study that names none."""


def compute_metrics(labels: "Labels", probabilities: "Probabilities") -> dict[str, float]:
    """The score of every metric that is defined for this number of classes, by the metric's name.

    ``labels`` are class numbers (n,), ``probabilities`` are (n, classes), and each row adds up to 1. All scores are NaN
    when there are no images, or when a row is not a distribution: not finite, negative somewhere or 0 everywhere.

    Measured for 10,000 images: 36 ms with 10 classes, 255 ms with 100, of which the ROC AUC takes 20 and 200.
    """
    import numpy as np

    defined = [metric for metric in METRICS.values() if metric.defined_for(probabilities.shape[1])]
    exact = probabilities.astype(np.float64)
    sums = exact.sum(axis=1)
    if not len(labels) or not np.isfinite(sums).all() or exact.min() < 0 or sums.min() == 0:
        return {metric.name: float("nan") for metric in defined}
    return {metric.name: metric.compute(labels, exact) for metric in defined}
