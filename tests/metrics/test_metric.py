"""What all metrics share: direction, comparison, names."""

import math
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.metrics import METRICS
from pipeline.metrics.metric import Direction, Metric

LOSS = Metric("loss", "loss", Direction.MINIMIZE, lambda labels, probabilities: 0.0)
SHARE = Metric("share", "share", Direction.MAXIMIZE, lambda labels, probabilities: 0.0, fewest_classes=3)

finite = st.floats(allow_nan=False, allow_infinity=False)


@given(finite, finite)
def test_better_follows_the_direction(score, other):
    assert SHARE.better(score, other) == (score > other)
    assert LOSS.better(score, other) == (score < other)


@given(finite, finite)
def test_a_smaller_loss_is_better_whatever_the_direction(score, other):
    for metric in (SHARE, LOSS):
        assert metric.better(score, other) == (metric.loss(score) < metric.loss(other))


def test_the_loss_of_a_score():
    assert (SHARE.loss(0.75), LOSS.loss(0.75)) == (-0.75, 0.75)
    assert math.isnan(SHARE.loss(math.nan))


@pytest.mark.parametrize("metric", [SHARE, LOSS])
def test_equal_scores_do_not_beat_each_other(metric):
    assert not metric.better(0.5, than=0.5)


@pytest.mark.parametrize("metric", [SHARE, LOSS])
@pytest.mark.parametrize("other", [None, math.nan, math.inf, -math.inf])
def test_any_finite_score_beats_what_is_not_one(metric, other):
    assert metric.better(-3.0, than=other)


@pytest.mark.parametrize("metric", [SHARE, LOSS])
@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("other", [None, math.nan, 0.5])
def test_what_is_not_finite_beats_nothing(metric, score, other):
    assert not metric.better(score, than=other)


def test_the_fewest_classes():
    assert [SHARE.defined_for(classes) for classes in (2, 3, 4)] == [False, True, True]
    assert LOSS.defined_for(2)


def test_directions_are_named_as_in_optuna():
    from optuna.study import StudyDirection

    for direction in Direction:
        assert direction.value.upper() in StudyDirection.__members__


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_a_metric_is_pickled(metric):
    assert pickle.loads(pickle.dumps(metric)) == metric


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_the_name_of_its_value_in_an_epoch(metric):
    assert metric.logged_as == f"val_{metric.name}"
