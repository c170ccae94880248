"""The table of metrics, and all of them computed at once."""

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

from pipeline.metrics import METRICS, Direction, compute_metrics
from tests.metrics.predictions import one_hot, predictions

pytestmark = pytest.mark.filterwarnings("error")

LABELS = np.array([0, 1, 2, 3, 4, 5, 5])


def test_the_table():
    assert {metric.name: metric for metric in METRICS.values()} == METRICS
    assert list(METRICS) == ["accuracy", "balanced_accuracy", "f1_macro", "log_loss", "roc_auc", "top5_accuracy"]
    assert [name for name in METRICS if METRICS[name].direction is Direction.MINIMIZE] == ["log_loss"]
    assert len({metric.label for metric in METRICS.values()}) == len(METRICS)


@given(predictions())
def test_each_metric_that_is_defined_has_its_own_score(drawn):
    labels, probabilities = drawn
    scores = compute_metrics(labels, probabilities)
    classes = probabilities.shape[1]
    assert list(scores) == [name for name in METRICS if METRICS[name].defined_for(classes)]
    for name, score in scores.items():
        assert type(score) is float
        np.testing.assert_equal(score, METRICS[name].compute(labels, probabilities))


@given(predictions())
def test_all_scores_but_the_log_loss_lie_in_0_to_1(drawn):
    scores = compute_metrics(*drawn)
    assert scores.pop("log_loss") >= 0
    auc = scores.pop("roc_auc")
    assert math.isnan(auc) or 0 <= auc <= 1
    assert all(0 <= score <= 1 for score in scores.values())


def test_perfect_predictions():
    scores = compute_metrics(LABELS, one_hot(LABELS, 6))
    assert scores.pop("log_loss") == pytest.approx(0)
    assert scores == dict.fromkeys(scores, 1.0)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_rows_that_add_up_to_1_up_to_rounding(dtype):
    exact = np.random.default_rng(0).dirichlet(np.ones(100), size=500)
    labels = np.arange(500) % 100
    rounded = exact.astype(dtype)
    assert np.any(rounded.astype(np.float64).sum(axis=1) != 1)
    assert compute_metrics(labels, rounded) == pytest.approx(compute_metrics(labels, exact), abs=1e-3)


def test_probabilities_are_left_as_they_are():
    probabilities = np.full((7, 6), 0.5)
    compute_metrics(LABELS, probabilities)
    assert np.all(probabilities == 0.5)


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf, -0.1])
def test_no_score_where_a_row_is_not_a_distribution(wrong):
    probabilities = one_hot(LABELS, 6)
    probabilities[2, 3] = wrong
    scores = compute_metrics(LABELS, probabilities)
    assert list(scores) == list(METRICS)
    assert all(math.isnan(score) for score in scores.values())


def test_no_score_where_a_row_is_0():
    probabilities = one_hot(LABELS, 6)
    probabilities[2] = 0
    assert all(math.isnan(score) for score in compute_metrics(LABELS, probabilities).values())


@pytest.mark.parametrize("classes", [2, 6])
def test_no_score_without_images(classes):
    scores = compute_metrics(np.zeros(0, np.int64), np.zeros((0, classes), np.float32))
    assert list(scores) == [name for name in METRICS if METRICS[name].defined_for(classes)]
    assert all(math.isnan(score) for score in scores.values())


def test_the_table_imports_nothing_heavy():
    code = "import sys, pipeline.metrics; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    here = Path(__file__).parents[2]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True, cwd=here).stdout.split()
    assert not {"numpy", "sklearn", "scipy"} & set(loaded)
