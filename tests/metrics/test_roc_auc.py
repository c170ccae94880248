import math

import numpy as np
import pytest
from hypothesis import given
from sklearn.metrics import roc_auc_score

from pipeline.metrics.roc_auc import ROC_AUC
from tests.metrics.predictions import one_hot, predictions

pytestmark = pytest.mark.filterwarnings("error")


def area(member, probability):
    """The share of pairs of a member and another in which the member has the higher probability; a tie is a half."""
    gaps = probability[member][:, None] - probability[~member]
    return np.mean((gaps > 0) + (gaps == 0) / 2)


@given(predictions())
def test_it_is_the_mean_area_of_the_classes_that_have_one(drawn):
    labels, probabilities = drawn
    members = labels[:, None] == np.arange(probabilities.shape[1])
    areas = [
        area(member, probability)
        for member, probability in zip(members.T, probabilities.T, strict=True)
        if 0 < member.sum() < len(labels)
    ]
    expected = np.mean(areas) if areas else math.nan
    assert ROC_AUC.compute(labels, probabilities) == pytest.approx(expected, nan_ok=True)


@given(predictions())
def test_it_is_scikit_learns_one_versus_rest(drawn):
    labels, probabilities = drawn
    if len(np.unique(labels)) < probabilities.shape[1] or probabilities.shape[1] == 2:
        return  # which scikit-learn does not compute
    expected = roc_auc_score(labels, probabilities, multi_class="ovr", average="macro")
    assert ROC_AUC.compute(labels, probabilities) == pytest.approx(expected)


@given(predictions(max_classes=2))
def test_of_two_classes_it_is_the_area_of_either(drawn):
    labels, probabilities = drawn
    if 0 < labels.sum() < len(labels):
        expected = roc_auc_score(labels, probabilities[:, 1])
        assert ROC_AUC.compute(labels, probabilities) == pytest.approx(expected)


def test_order_counts_and_not_the_threshold():
    probabilities = np.array([[0.99, 0.01], [0.98, 0.02], [0.97, 0.03], [0.96, 0.04]])
    assert ROC_AUC.compute(np.array([0, 0, 1, 1]), probabilities) == 1.0
    assert ROC_AUC.compute(np.array([1, 1, 0, 0]), probabilities) == 0.0


def test_equal_probabilities_tell_nothing():
    assert ROC_AUC.compute(np.array([0, 1, 2, 2]), np.full((4, 3), 1 / 3)) == 0.5


def test_equal_probabilities_stay_equal_when_rows_add_up_to_1_only_roughly():
    probabilities = np.array([[1, 1e-9, 0], [1, 0, 0], [1, 0, 1e-8], [0, 0.5, 0.5]], np.float32).astype(np.float64)
    member = np.array([0, 0, 1, 2]) == 0
    expected = np.mean([roc_auc_score(member, probabilities[:, 0]), 0.5 / 3, 1.0])
    assert ROC_AUC.compute(np.array([0, 0, 1, 2]), probabilities) == pytest.approx(expected)


def test_a_class_that_does_not_occur_is_left_out():
    labels = np.array([0, 1, 1])
    assert ROC_AUC.compute(labels, one_hot(labels, 7)) == 1.0


@pytest.mark.parametrize("classes", [2, 5])
def test_not_defined_for_labels_of_one_class(classes):
    assert math.isnan(ROC_AUC.compute(np.array([1, 1, 1]), np.full((3, classes), 1 / classes)))
