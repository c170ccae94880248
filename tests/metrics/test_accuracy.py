import numpy as np
import pytest
from hypothesis import given
from sklearn.metrics import accuracy_score

from pipeline.metrics.accuracy import ACCURACY
from tests.metrics.predictions import predictions

pytestmark = pytest.mark.filterwarnings("error")


@given(predictions())
def test_it_is_scikit_learns(drawn):
    labels, probabilities = drawn
    assert ACCURACY.compute(labels, probabilities) == accuracy_score(labels, probabilities.argmax(axis=1))


def test_by_hand():
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4]])
    assert ACCURACY.compute(np.array([0, 1, 1, 0]), probabilities) == 0.75


def test_the_first_of_equally_probable_classes_is_predicted():
    probabilities = np.full((4, 3), 1 / 3)
    assert ACCURACY.compute(np.array([0, 0, 0, 2]), probabilities) == 0.75
