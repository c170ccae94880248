import numpy as np
import pytest
from hypothesis import given
from sklearn.metrics import f1_score

from pipeline.metrics.f1_macro import F1_MACRO
from tests.metrics.predictions import one_hot, predictions

pytestmark = pytest.mark.filterwarnings("error")


@given(predictions())
def test_it_is_scikit_learns(drawn):
    labels, probabilities = drawn
    expected = f1_score(labels, probabilities.argmax(axis=1), average="macro", zero_division=0.0)
    assert F1_MACRO.compute(labels, probabilities) == pytest.approx(expected)


def test_by_hand():
    labels, predicted = np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1])
    of_class_0, of_class_1 = 2 * 1 * (2 / 3) / (1 + 2 / 3), 2 * 0.5 * 1 / (0.5 + 1)
    assert F1_MACRO.compute(labels, one_hot(predicted, 2)) == pytest.approx((of_class_0 + of_class_1) / 2)


def test_a_class_that_neither_occurs_nor_is_predicted_does_not_count():
    labels = np.array([0, 1, 1])
    assert F1_MACRO.compute(labels, one_hot(labels, 5)) == 1.0


def test_a_class_that_is_predicted_and_does_not_occur_counts_as_0():
    assert F1_MACRO.compute(np.array([0, 0]), one_hot(np.array([0, 2]), 4)) == pytest.approx((2 / 3 + 0) / 2)
