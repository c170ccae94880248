"""Made-up predictions, with ties, and with classes that occur in neither labels nor predictions."""

import numpy as np
from hypothesis import strategies as st


@st.composite
def predictions(draw, min_classes=2, max_classes=8):
    """Labels (n,) and float64 probabilities (n, classes), whose rows add up to 1 as exactly as floats can."""
    classes, n = draw(st.integers(min_classes, max_classes)), draw(st.integers(1, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))  # drawing each number takes hypothesis 100 times as long
    labels = rng.integers(0, classes, n)
    if draw(st.booleans()):  # fewer classes occur
        labels %= 2
    weights = rng.integers(0, 5, (n, classes))
    weights[weights.sum(axis=1) == 0] = 1
    return labels, weights / weights.sum(axis=1, keepdims=True)


def one_hot(predicted, classes):
    """Probabilities of 1 for the predicted classes."""
    return np.eye(classes)[predicted]
