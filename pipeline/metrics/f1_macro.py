"""Macro F1: the mean F1 score of the classes, where F1 is the harmonic mean of precision and recall."""

from typing import TYPE_CHECKING

from pipeline.metrics.metric import Direction, Metric

if TYPE_CHECKING:
    from pipeline.arrays import Labels, Probabilities
    from pipeline.metrics.metric import Scores
    from pipeline.metrics.resamples import Counts


def compute(labels: "Labels", probabilities: "Probabilities") -> float:
    """The macro average of ``sklearn.metrics.f1_score`` over the classes that occur or are predicted."""
    from sklearn.metrics import f1_score

    return float(f1_score(labels, probabilities.argmax(axis=1), average="macro", zero_division=0.0))


def resampled(labels: "Labels", probabilities: "Probabilities", counts: "Counts") -> "Scores":
    """The mean F1 score in each resample, of the classes that occur or are predicted in it."""
    import numpy as np

    from pipeline.metrics.resamples import mean_where, sum_by_class

    classes, predicted = probabilities.shape[1], probabilities.argmax(axis=1)
    hit = predicted == labels
    hits = sum_by_class(counts[hit], labels[hit], classes)
    either = sum_by_class(counts, labels, classes) + sum_by_class(counts, predicted, classes)
    return mean_where(2 * hits / np.maximum(either, 1), either > 0)


F1_MACRO = Metric("f1_macro", "macro F1", Direction.MAXIMIZE, compute, classes_count_alike=True, resampled=resampled)
