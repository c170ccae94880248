"""Selects the images of a study that show best how its model decides: some correct predictions and some wrong ones."""

import numpy as np
from numpy.typing import NDArray

from pipeline.explain.explanation import Floats


def select_images(probabilities: Floats, labels: NDArray[np.int64], count: int) -> list[int]:
    """Indices of up to ``count`` images that are predicted correctly, then of up to ``count`` that are not.

    ``probabilities`` is (n, classes), ``labels`` (n,). Both groups hold the predictions of the highest probability,
    but no class comes twice before every class of the group has come once.

    >>> probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4]], np.float32)
    >>> select_images(probabilities, np.array([0, 0, 1, 1]), 2)
    [0, 2, 3]
    """
    correct = probabilities.argmax(axis=1) == labels
    return _most_certain(probabilities, labels, correct, count) + _most_certain(probabilities, labels, ~correct, count)


def _most_certain(probabilities: Floats, labels: NDArray[np.int64], group: NDArray[np.bool_], count: int) -> list[int]:
    by_certainty = np.argsort(-probabilities.max(axis=1), kind="stable")
    order = [int(index) for index in by_certainty if group[index]]
    _, first_of_class = np.unique(labels[order], return_index=True)
    firsts = [order[index] for index in sorted(first_of_class)]
    return list(dict.fromkeys([*firsts, *order]))[:count]
