"""Scores against scikit-learn's."""

import json
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from pipeline.report.metrics import confusion, evaluate


@st.composite
def predictions(draw):
    """Labels, predictions and the number of classes; classes may be missing among either."""
    classes = draw(st.integers(2, 6))
    pairs = draw(st.lists(st.tuples(st.integers(0, classes - 1), st.integers(0, classes - 1)), min_size=1, max_size=60))
    labels, predicted = np.array(pairs, np.int64).T
    return labels, predicted, classes


@given(predictions())
def test_scores_equal_scikit_learns(drawn):
    labels, predicted, classes = drawn
    found = evaluate(np.eye(classes)[predicted], labels, tuple(map(str, range(classes))))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        precision, recall, f1, support = reference.precision_recall_fscore_support(
            labels, predicted, labels=range(classes), zero_division=0.0
        )
    np.testing.assert_allclose(found.precision, precision)
    np.testing.assert_allclose(found.recall, recall)
    np.testing.assert_allclose(found.f1, f1)
    np.testing.assert_array_equal(found.support, support)
    np.testing.assert_array_equal(found.confusion, reference.confusion_matrix(labels, predicted, labels=range(classes)))
    assert found.accuracy == pytest.approx(reference.accuracy_score(labels, predicted))
    assert found.n == len(labels)


def test_rows_are_the_truth():
    found = confusion(np.array([0, 0, 1]), np.array([1, 1, 1]), 2)
    np.testing.assert_array_equal(found, [[0, 2], [0, 1]])
    assert found.dtype == np.int64


def test_nothing_over_nothing_is_zero():
    found = evaluate(np.zeros((0, 3)), np.zeros(0, np.int64), ("a", "b", "c"))
    assert found.accuracy == 0.0
    assert found.n == 0
    np.testing.assert_array_equal(found.f1, [0.0, 0.0, 0.0])


def test_plain_values_for_json():
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]], np.float32)
    found = evaluate(probabilities, np.array([0, 1, 1]), ("cat", "dog")).as_dict()
    assert json.loads(json.dumps(found)) == {
        "n": 3,
        "accuracy": pytest.approx(2 / 3),
        "classes": ["cat", "dog"],
        "per_class": [
            {"class": "cat", "precision": 0.5, "recall": 1.0, "f1": pytest.approx(2 / 3), "support": 1},
            {"class": "dog", "precision": 1.0, "recall": 0.5, "f1": pytest.approx(2 / 3), "support": 2},
        ],
        "confusion": [[1, 0], [1, 1]],
    }
