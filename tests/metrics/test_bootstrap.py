"""Intervals by resampling."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pipeline.metrics import METRICS, Direction, Metric, bootstrap, compute_metrics
from pipeline.metrics.bootstrap import confidence_intervals, score_resamples
from pipeline.metrics.interval import wilson
from pipeline.metrics.resamples import draw
from tests.metrics.predictions import one_hot, predictions

pytestmark = pytest.mark.filterwarnings("error")


def of(labels, probabilities):
    return confidence_intervals(labels, probabilities, compute_metrics(labels, probabilities))


def made_up(sizes, skill, seed=0):
    """Labels with so many images of each class, and predictions that are the better the higher the skill."""
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(sizes)), sizes)
    logits = random.normal(size=(len(labels), len(sizes)))
    logits[np.arange(len(labels)), labels] += skill
    weights = np.exp(logits)
    return labels, weights / weights.sum(axis=1, keepdims=True)


@given(st.lists(st.integers(0, 6), min_size=1, max_size=30), st.integers(1, 5))
def test_a_resample_has_as_many_images_of_each_class(labels, resamples):
    labels = np.array(labels)
    counts = draw(labels, resamples, np.random.default_rng(0))
    assert counts.shape == (len(labels), resamples)
    for label in set(labels.tolist()):
        np.testing.assert_array_equal(counts[labels == label].sum(axis=0), (labels == label).sum())


def test_every_image_is_drawn_as_often_as_the_others():
    counts = draw(np.array([0, 1, 0, 0]), 20_000, np.random.default_rng(0))
    np.testing.assert_allclose(counts.mean(axis=1), 1, atol=0.03)
    np.testing.assert_allclose(counts[[0, 2, 3]].var(axis=1), 2 / 3, atol=0.03)  # binomial, 3 of 1/3


@pytest.mark.parametrize("metric", [metric for metric in METRICS.values() if metric.resampled], ids=lambda m: m.name)
@given(drawn=predictions())
@settings(max_examples=15)
def test_many_resamples_at_once_score_as_one_after_the_other(metric, drawn):
    labels, probabilities = drawn
    if math.isnan(compute_metrics(labels, probabilities).get(metric.name, math.nan)):
        return
    counts = draw(labels, 4, np.random.default_rng(1))
    one_by_one = [
        metric.compute(np.repeat(labels, times), np.repeat(probabilities, times, axis=0)) for times in counts.T
    ]
    np.testing.assert_allclose(score_resamples(metric, labels, probabilities, counts), one_by_one)


def test_a_metric_needs_no_function_of_its_own(monkeypatch):
    doubled = Metric(
        "doubled", "doubled", Direction.MAXIMIZE, lambda labels, p: 2 * METRICS["log_loss"].compute(labels, p)
    )
    monkeypatch.setattr(bootstrap, "METRICS", {**METRICS, "doubled": doubled})
    monkeypatch.setattr(bootstrap, "RESAMPLES", 50)
    labels, probabilities = made_up([12, 9], 1.0)
    scores = compute_metrics(labels, probabilities)
    scores["doubled"] = 2 * scores["log_loss"]
    intervals = confidence_intervals(labels, probabilities, scores)
    assert intervals["doubled"] == pytest.approx([2 * end for end in intervals["log_loss"]])


def test_shares_of_images_have_wilsons_interval():
    labels, probabilities = made_up([7, 8, 9, 10, 11, 12], 1.0)
    intervals, scores = of(labels, probabilities), compute_metrics(labels, probabilities)
    for name in ("accuracy", "top5_accuracy"):
        assert intervals[name] == wilson(scores[name] * 57, 57)


def test_the_interval_of_a_mean_is_students():
    """The log loss is a mean of losses, for which there is a formula."""
    labels, probabilities = made_up([200], 0.0)
    probabilities = np.column_stack([probabilities[:, 0] * np.linspace(0.3, 0.8, 200), np.ones(200)])
    probabilities[:, 1] -= probabilities[:, 0]
    losses = -np.log(probabilities[:, 0])
    expected = stats.t.interval(0.95, 199, losses.mean(), stats.sem(losses))
    assert of(labels, probabilities)["log_loss"] == pytest.approx(expected, abs=0.1 * (expected[1] - expected[0]))


@given(predictions())
@settings(max_examples=15)
def test_the_score_is_within_its_interval_and_its_bounds(drawn):
    labels, probabilities = drawn
    scores = compute_metrics(labels, probabilities)
    intervals = of(labels, probabilities)
    assert intervals.keys() == scores.keys()
    for name, interval in intervals.items():
        low, high = METRICS[name].bounds
        if interval is not None:
            assert low <= interval.low <= scores[name] <= interval.high <= high
            assert interval.low < interval.high


def test_more_images_say_more():
    few, many = (of(*made_up([n] * 3, 1.5)) for n in (10, 1000))
    for name in set(few) - {"top5_accuracy"}:
        assert 5 < (few[name].high - few[name].low) / (many[name].high - many[name].low) < 20  # sqrt(100) = 10


def test_it_is_repeatable():
    assert of(*made_up([20, 30], 1.0)) == of(*made_up([20, 30], 1.0))


def test_it_does_not_matter_how_many_resamples_are_held_at_once(monkeypatch):
    whole = of(*made_up([20, 30], 1.0))
    monkeypatch.setattr(bootstrap, "_CELLS", 50 * 130)
    parts = of(*made_up([20, 30], 1.0))
    for name, interval in whole.items():
        assert parts[name] == pytest.approx(interval, abs=0.05)  # other random numbers


@pytest.mark.parametrize(
    "labels",
    [
        pytest.param([0, 0, 0, 1, 1, 1, 2, 2], id="no image is wrong"),
        pytest.param([0, 1, 2], id="one image of each class"),
    ],
)
def test_where_resamples_tell_nothing_there_is_no_interval(labels):
    labels = np.array(labels)
    intervals = of(labels, one_hot(labels, 3))
    assert intervals["accuracy"] == wilson(len(labels), len(labels))
    assert {intervals[name] for name in ("balanced_accuracy", "f1_macro", "log_loss", "roc_auc")} == {None}


def test_few_images_are_honest():
    """Of 100 sets of 5 images in each of 4 classes, most intervals hold the true score; without stretching, fewer."""
    held = {"balanced_accuracy": 0, "log_loss": 0}
    truth = compute_metrics(*made_up([20_000] * 4, 1.5, seed=1000))
    for seed in range(100):
        for name, interval in of(*made_up([5] * 4, 1.5, seed)).items():
            if name in held and interval is not None:
                held[name] += interval.low <= truth[name] <= interval.high
    assert min(held.values()) >= 86
