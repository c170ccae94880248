import warnings

import numpy as np
import pytest
from hypothesis import given
from sklearn.metrics import balanced_accuracy_score

from pipeline.metrics.balanced_accuracy import BALANCED_ACCURACY
from tests.metrics.predictions import one_hot, predictions

pytestmark = pytest.mark.filterwarnings("error")


@given(predictions())
def test_it_is_scikit_learns(drawn):
    labels, probabilities = drawn
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of predicted classes that do not occur
        expected = balanced_accuracy_score(labels, probabilities.argmax(axis=1))
    assert BALANCED_ACCURACY.compute(labels, probabilities) == pytest.approx(expected)


def test_a_rare_class_counts_as_much_as_a_frequent_one():
    labels = np.array([0] * 9 + [1])
    assert BALANCED_ACCURACY.compute(labels, one_hot(np.zeros(10, int), 2)) == 0.5


def test_a_class_that_does_not_occur_does_not_count():
    predicted = np.array([0, 0, 1, 2])
    assert BALANCED_ACCURACY.compute(np.array([0, 0, 1, 1]), one_hot(predicted, 4)) == 0.75


def test_a_single_class_in_the_labels():
    assert BALANCED_ACCURACY.compute(np.array([3, 3]), one_hot(np.array([3, 0]), 4)) == 0.5
