import numpy as np
import pytest
from hypothesis import given

from pipeline.metrics import METRICS
from pipeline.metrics.log_loss import LOG_LOSS
from tests.metrics.predictions import predictions

pytestmark = pytest.mark.filterwarnings("error")

SMALLEST = np.finfo(np.float64).eps


@given(predictions())
def test_it_is_the_mean_negative_logarithm_of_the_right_probability(drawn):
    labels, probabilities = drawn
    right = np.clip(probabilities[np.arange(len(labels)), labels], SMALLEST, 1 - SMALLEST)
    assert LOG_LOSS.compute(labels, probabilities) == pytest.approx(-np.log(right).mean(), abs=1e-12)


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_of_equal_probabilities_it_is_the_logarithm_of_the_number_of_classes(classes):
    labels = np.array([0, 1, 1])  # the other classes do not occur
    assert LOG_LOSS.compute(labels, np.full((3, classes), 1 / classes)) == pytest.approx(np.log(classes))


def test_rows_are_scaled_to_add_up_to_1():
    probabilities = np.array([[0.5, 0.25], [0.6, 0.6]])
    assert LOG_LOSS.compute(np.array([0, 1]), probabilities) == pytest.approx(-np.log([2 / 3, 1 / 2]).mean())


def test_a_confident_error_is_finite():
    loss = LOG_LOSS.compute(np.array([1]), np.array([[1.0, 0.0]]))
    assert loss == pytest.approx(36.04, abs=0.01)


def test_lower_is_better():
    assert METRICS["log_loss"].better(0.1, than=0.2)
