"""Top-5 accuracy: the share of images whose right class is among the five most probable ones."""

from typing import TYPE_CHECKING

from pipeline.metrics.metric import Direction, Metric

if TYPE_CHECKING:
    from pipeline.arrays import Labels, Probabilities

_K = 5


def compute(labels: "Labels", probabilities: "Probabilities") -> float:
    """See ``sklearn.metrics.top_k_accuracy_score``. With five classes or fewer it would always be 1.

    scikit-learn prefers the last of equally probable classes. The classes are reversed here, so that the first one
    counts, as in the accuracy; the top-5 accuracy is then never below the accuracy.
    """
    from sklearn.metrics import top_k_accuracy_score

    classes = probabilities.shape[1]
    reversed_labels, reversed_classes = classes - 1 - labels, probabilities[:, ::-1]
    return float(top_k_accuracy_score(reversed_labels, reversed_classes, k=_K, labels=range(classes)))


TOP5_ACCURACY = Metric(
    "top5_accuracy", "top-5 accuracy", Direction.MAXIMIZE, compute, fewest_classes=_K + 1, share_of_images=True
)
