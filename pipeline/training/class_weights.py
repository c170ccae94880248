"""How much the images of each class count in the loss of a training. numpy only."""

import numpy as np
from numpy.typing import NDArray


def balanced_weights(labels: NDArray[np.int64], classes: int) -> NDArray[np.float32]:
    """The weight of each class, float32 (classes,): n / (classes * n_class), so that all classes weigh the same.

    ``labels`` (n,) are those of the training images; over them the mean of the weights is 1. A class without images
    counts as one with a single image. The rule is that of scikit-learn's ``compute_class_weight("balanced")``, after
    King and Zeng 2001, "Logistic Regression in Rare Events Data".

    >>> balanced_weights(np.array([0, 0, 1, 2]), 3).round(2)
    array([0.67, 1.33, 1.33], dtype=float32)
    """
    counts = np.maximum(np.bincount(labels, minlength=classes), 1)
    return np.asarray(len(labels) / (classes * counts), np.float32)
