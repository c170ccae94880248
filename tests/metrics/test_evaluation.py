"""Scores and counts of a split, against scikit-learn's."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from sklearn import metrics as reference

from pipeline.metrics import METRICS, bootstrap, compute_metrics
from pipeline.metrics.evaluation import evaluate
from pipeline.metrics.interval import wilson
from tests.metrics.predictions import one_hot, predictions

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(scope="module", autouse=True)
def few_resamples():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bootstrap, "RESAMPLES", 10)
        yield


def names(count):
    return tuple(map(str, range(count)))


@given(predictions())
def test_counts_and_ratios_are_scikit_learns(drawn):
    labels, probabilities = drawn
    classes = range(probabilities.shape[1])
    predicted = probabilities.argmax(axis=1)
    result = evaluate(labels, probabilities, names(len(classes)))
    precision, recall, f1, support = reference.precision_recall_fscore_support(
        labels, predicted, labels=classes, zero_division=0.0
    )
    np.testing.assert_allclose(result.precision, precision)
    np.testing.assert_allclose(result.recall, np.where(support > 0, recall, np.nan))
    np.testing.assert_allclose(result.f1, np.where(support > 0, f1, np.nan))
    np.testing.assert_array_equal(result.support, support)
    np.testing.assert_array_equal(result.confusion, reference.confusion_matrix(labels, predicted, labels=classes))
    assert result.scores["accuracy"] == pytest.approx(reference.accuracy_score(labels, predicted))
    assert result.n == len(labels)
    f1_counted = (
        reference.f1_score(labels, predicted, labels=np.flatnonzero(support), average="macro", zero_division=0.0)
        * sum(support > 0)
        / (sum(support > 0) + len(result.false_alarms))
    )
    assert result.scores["f1_macro"] == pytest.approx(f1_counted)


@given(predictions())
def test_scores_are_those_of_the_metrics(drawn):
    labels, probabilities = drawn
    result = evaluate(labels, probabilities, names(probabilities.shape[1]))
    assert result.scores == pytest.approx(compute_metrics(labels, probabilities), nan_ok=True)


def test_rows_are_the_truth():
    result = evaluate(np.array([0, 0, 1]), one_hot(np.array([1, 1, 1]), 2), ("a", "b"))
    np.testing.assert_array_equal(result.confusion, [[0, 2], [0, 1]])
    assert result.confusion.dtype == np.int64


def test_without_images_nothing_is_defined():
    result = evaluate(np.zeros(0, np.int64), np.zeros((0, 3), np.float32), ("a", "b", "c"))
    assert result.score("accuracy") is None
    assert result.n == 0
    np.testing.assert_array_equal(result.f1, [np.nan] * 3)
    assert {row["recall"] for row in result.as_dict()["per_class"]} == {None}
    np.testing.assert_array_equal(result.confusion, np.zeros((3, 3)))
    assert all(math.isnan(score) for score in result.scores.values())
    plain = json.loads(json.dumps(result.as_dict()))
    assert plain["scores"] == plain["intervals"] == dict.fromkeys(METRICS)
    assert plain["calibration"] == {"error": None, "mean_confidence": None, "bins": []}


def test_a_score_that_is_not_defined_is_none():
    result = evaluate(np.array([1, 1]), np.array([[0.25, 0.75], [0.5, 0.5]]), ("cat", "dog"))
    assert result.score("accuracy") == 0.5
    assert result.score("roc_auc") is None  # all labels are of one class
    assert result.score("top5_accuracy") is None  # two classes
    assert result.scores.keys() == METRICS.keys() - {"top5_accuracy"}


def test_plain_values_for_json():
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]], np.float32)
    result = evaluate(np.array([0, 1, 1]), probabilities, ("cat", "dog")).as_dict()
    plain = json.loads(json.dumps(result))
    calibration, intervals = plain.pop("calibration"), plain.pop("intervals")
    assert intervals.keys() == METRICS.keys()
    assert intervals["accuracy"] == pytest.approx(wilson(2, 3))
    assert calibration["mean_confidence"] == pytest.approx(0.8)
    assert plain == {
        "n": 3,
        "scores": {
            "accuracy": pytest.approx(2 / 3),
            "balanced_accuracy": 0.75,
            "f1_macro": pytest.approx(2 / 3),
            "log_loss": pytest.approx(-np.log([0.9, 0.2, 0.7]).mean(), abs=1e-6),
            "roc_auc": 1.0,
            "top5_accuracy": None,
        },
        "confidence": 0.95,
        "classes": ["cat", "dog"],
        "per_class": [
            {
                "class": "cat",
                "precision": 0.5,
                "precision_interval": pytest.approx(wilson(1, 2)),
                "recall": 1.0,
                "recall_interval": pytest.approx(wilson(1, 1)),
                "f1": pytest.approx(2 / 3),
                "support": 1,
            },
            {
                "class": "dog",
                "precision": 1.0,
                "precision_interval": pytest.approx(wilson(1, 1)),
                "recall": 0.5,
                "recall_interval": pytest.approx(wilson(1, 2)),
                "f1": pytest.approx(2 / 3),
                "support": 2,
            },
        ],
        "confusion": [[1, 0], [1, 1]],
    }
