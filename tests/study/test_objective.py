"""What a study looks for, and the Pareto front."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.metrics import METRICS
from pipeline.study.objective import (
    MINIMIZED,
    OBJECTIVES,
    Objective,
    minimized_costs,
    pareto_front,
    parse_objectives,
)

COSTS = st.integers(0, 6).map(float)
"""Few values, so that there are ties."""
POINTS = st.integers(1, 4).flatmap(lambda width: st.lists(st.tuples(*[COSTS] * width), max_size=30))


@pytest.mark.parametrize(
    ("written", "objectives"),
    [
        ("score", ("score",)),
        (" score ", ("score",)),
        ("score,macs", ("score", "macs")),
        (" latency , macs,score ", ("score", "macs", "latency")),
        (["macs", "score"], ("score", "macs")),
        (("score", "parameters"), ("score", "parameters")),
        (",".join(OBJECTIVES), OBJECTIVES),
    ],
)
def test_names_are_read_in_one_order(written, objectives):
    assert parse_objectives(written) == objectives


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("macs", "score among them"),
        ("score,mac", "did you mean 'macs'"),
        ("score,", "expected any of score, parameters, macs, latency"),
        ("score,score", "once"),
        (["score", "macs", "macs"], "once"),
        ([], "score among them"),
        (["score", 3], "expected a list"),
        ({"score": 1}, "expected a list"),
        (3, "expected a list"),
        ("score,memory", "expected any of"),
        ("accuracy,macs", "expected any of score"),
        ("value", "expected any of score"),
    ],
)
def test_invalid_objectives_are_refused(written, words):
    with pytest.raises(ValueError, match=words):
        parse_objectives(written)


def test_the_costs_that_are_minimized():
    assert minimized_costs(("score",)) == ()
    assert minimized_costs(OBJECTIVES) == tuple(MINIMIZED.values()) == ("parameters", "macs", "latency_ms")


def test_directions_are_the_metrics_and_lower_costs():
    assert Objective().directions == ("maximize",)
    assert Objective(METRICS["log_loss"]).directions == ("minimize",)
    assert Objective(METRICS["f1_macro"], ("macs", "latency_ms")).directions == ("maximize", "minimize", "minimize")


def dominates(point, other):
    """By the definition, written another way than in the code."""
    pairs = list(zip(point, other, strict=True))
    return not any(mine > theirs for mine, theirs in pairs) and any(mine < theirs for mine, theirs in pairs)


@given(POINTS)
def test_the_front_is_what_nothing_dominates(points):
    expected = {index for index, point in enumerate(points) if not any(dominates(other, point) for other in points)}
    assert pareto_front(points) == expected


@given(POINTS)
def test_everything_else_is_dominated_from_the_front(points):
    front = pareto_front(points)
    assert bool(front) == bool(points)
    for index in set(range(len(points))) - front:
        assert any(dominates(points[member], points[index]) for member in front)
    assert not any(dominates(points[first], points[second]) for first, second in itertools.permutations(front, 2))


@given(POINTS, st.randoms(use_true_random=False))
def test_neither_order_nor_scale_matters(points, source: random.Random):
    order = list(range(len(points)))
    source.shuffle(order)
    shuffled = pareto_front([points[index] for index in order])
    assert {order[index] for index in shuffled} == pareto_front(points)
    assert pareto_front([tuple(cost**3 * 1e6 - 5 for cost in point) for point in points]) == pareto_front(points)


@given(POINTS)
def test_the_smallest_of_the_first_objective_has_a_place(points):
    if points:
        assert min(range(len(points)), key=points.__getitem__) in pareto_front(points)
