import numpy as np
import pytest
from hypothesis import given
from sklearn.metrics import top_k_accuracy_score

from pipeline.metrics.accuracy import ACCURACY
from pipeline.metrics.top5_accuracy import TOP5_ACCURACY
from tests.metrics.predictions import predictions

pytestmark = pytest.mark.filterwarnings("error")


@given(predictions(min_classes=6))
def test_it_is_the_share_of_right_classes_that_are_fifth_or_better(drawn):
    labels, probabilities = drawn
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, :5]
    assert TOP5_ACCURACY.compute(labels, probabilities) == pytest.approx(
        np.mean((order == labels[:, None]).any(axis=1))
    )


@given(predictions(min_classes=6))
def test_it_is_never_below_the_accuracy(drawn):
    assert TOP5_ACCURACY.compute(*drawn) >= ACCURACY.compute(*drawn)


def test_without_ties_it_is_scikit_learns():
    probabilities = np.random.default_rng(0).dirichlet(np.ones(20), size=300)
    labels = np.arange(300) % 19  # the last class does not occur
    expected = top_k_accuracy_score(labels, probabilities, k=5, labels=range(20))
    assert TOP5_ACCURACY.compute(labels, probabilities) == expected
    assert 0.1 < expected < 0.5


def test_the_first_of_equally_probable_classes_are_predicted():
    assert TOP5_ACCURACY.compute(np.arange(8), np.full((8, 8), 1 / 8)) == 5 / 8


@pytest.mark.parametrize(("classes", "defined"), [(2, False), (5, False), (6, True), (1000, True)])
def test_five_classes_or_fewer_would_always_give_1(classes, defined):
    assert TOP5_ACCURACY.defined_for(classes) is defined
