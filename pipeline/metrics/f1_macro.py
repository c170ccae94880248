"""Macro F1: the mean F1 score of the classes, where F1 is the harmonic mean of precision and recall."""

from typing import TYPE_CHECKING

from pipeline.metrics.metric import Direction, Metric

if TYPE_CHECKING:
    from pipeline.metrics.metric import Labels, Probabilities


def compute(labels: "Labels", probabilities: "Probabilities") -> float:
    """The macro average of ``sklearn.metrics.f1_score`` over the classes that occur or are predicted."""
    from sklearn.metrics import f1_score

    return float(f1_score(labels, probabilities.argmax(axis=1), average="macro", zero_division=0.0))


F1_MACRO = Metric("f1_macro", "macro F1", Direction.MAXIMIZE, compute, classes_count_alike=True)
