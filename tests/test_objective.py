"""What a study is judged by, and the Pareto front."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.objective import MINIMISED, OBJECTIVES, front, minimised, parse

COSTS = st.integers(0, 6).map(float)
"""Few values, so that there are ties."""
POINTS = st.integers(1, 4).flatmap(lambda width: st.lists(st.tuples(*[COSTS] * width), max_size=30))


@pytest.mark.parametrize(
    ("given_", "read"),
    [
        ("accuracy", ("accuracy",)),
        ("value", ("accuracy",)),
        ("accuracy,macs", ("accuracy", "macs")),
        (" latency , macs,value ", ("accuracy", "macs", "latency")),
        (["macs", "accuracy"], ("accuracy", "macs")),
        (("accuracy", "parameters"), ("accuracy", "parameters")),
        (",".join(OBJECTIVES), OBJECTIVES),
    ],
)
def test_names_are_read_in_one_order(given_, read):
    assert parse(given_) == read


@pytest.mark.parametrize(
    ("given_", "words"),
    [
        ("macs", "accuracy among them"),
        ("accuracy,mac", "did you mean 'macs'"),
        ("accuracy,", "expected any of accuracy, parameters, macs, latency"),
        ("accuracy,value", "once"),
        (["accuracy", "macs", "macs"], "once"),
        ([], "accuracy among them"),
        (["accuracy", 3], "expected a list"),
        ({"accuracy": 1}, "expected a list"),
        (3, "expected a list"),
        ("accuracy,memory", "expected any of"),
    ],
)
def test_what_is_no_objective_is_refused(given_, words):
    with pytest.raises(ValueError, match=words):
        parse(given_)


def test_the_costs_that_are_minimised():
    assert minimised(("accuracy",)) == ()
    assert minimised(OBJECTIVES) == tuple(MINIMISED.values()) == ("parameters", "macs", "latency_ms")


def dominates(one, other):
    """By the definition, written another way than in the code."""
    pairs = list(zip(one, other, strict=True))
    return not any(mine > theirs for mine, theirs in pairs) and any(mine < theirs for mine, theirs in pairs)


@given(POINTS)
def test_the_front_is_what_nothing_dominates(points):
    expected = {index for index, point in enumerate(points) if not any(dominates(other, point) for other in points)}
    assert front(points) == expected


@given(POINTS)
def test_everything_else_is_dominated_from_the_front(points):
    best = front(points)
    assert bool(best) == bool(points)
    for index in set(range(len(points))) - best:
        assert any(dominates(points[one], points[index]) for one in best)
    assert not any(dominates(points[one], points[other]) for one, other in itertools.permutations(best, 2))


@given(POINTS, st.randoms(use_true_random=False))
def test_neither_order_nor_scale_matters(points, source: random.Random):
    order = list(range(len(points)))
    source.shuffle(order)
    moved = front([points[index] for index in order])
    assert {order[index] for index in moved} == front(points)
    assert front([tuple(cost**3 * 1e6 - 5 for cost in point) for point in points]) == front(points)


@given(POINTS)
def test_the_smallest_of_the_first_objective_has_a_place(points):
    if points:
        assert min(range(len(points)), key=points.__getitem__) in front(points)
