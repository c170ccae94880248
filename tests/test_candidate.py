"""What candidates cost, and what a search is told of those that cost too much."""

import math
from dataclasses import replace

import pytest

from pipeline.candidate import judge
from pipeline.latency.model import FEATURES, LatencyModel
from pipeline.space import complete
from pipeline.space.limits import COSTS
from tests.spaces import GRID, space

SHAPE, CLASSES = (16, 16, 1), 3
SMALL, LARGE = {"blocks": 1, "filters": 4, "pool": "max"}, {"blocks": 2, "filters": 8, "pool": "none"}
PER_LAYER = LatencyModel(dict.fromkeys(FEATURES, 0.0) | {"layers": 0.5}, "cpu", "tensorflow").predict


@pytest.fixture
def small(tmp_path):
    return space(tmp_path, GRID)


def feasibility(space, point, latency=None, **limits):
    return judge(replace(space, limits=limits), complete(space, point), SHAPE, CLASSES, latency)


def costs(space, point, latency=None, **more):
    values = complete(space, point) | more
    return judge(replace(space, limits={}), values, SHAPE, CLASSES, latency).candidate.costs


def test_every_cost_is_known_once_latencies_are_calibrated(small):
    assert set(costs(small, SMALL)) == set(COSTS) - {"latency_ms"}
    found = costs(small, SMALL, PER_LAYER)
    assert set(found) == set(COSTS)
    assert found["latency_ms"] == 0.5 * len(("conv", "activation", "pool", "head", "logits"))


def test_memory_is_of_the_recipe(small):
    """A parameter more or less is 4 bytes for the weight and 4 a slot of the optimizer."""
    adam = costs(small, LARGE, batch_size=32, optimizer="adam")
    plain, velocity = (
        costs(small, LARGE, batch_size=32, optimizer="sgd", momentum=one)["memory"] for one in (0.0, 0.9)
    )
    assert velocity - plain == adam["memory"] - velocity == 4 * adam["parameters"]
    weights = 3 * 4 * adam["parameters"]
    doubled = costs(small, LARGE, batch_size=64, optimizer="adam")["memory"]
    assert doubled - weights == 2 * (adam["memory"] - weights)


@pytest.mark.parametrize("cost", COSTS)
def test_every_limit_bounds_what_may_be_trained(small, cost):
    cheap, dear = (costs(small, point, PER_LAYER) for point in (SMALL, LARGE))
    limit = {cost: (cheap[cost] + dear[cost]) / 2}
    assert feasibility(small, SMALL, PER_LAYER, **limit).candidate is not None
    refused = feasibility(small, LARGE, PER_LAYER, **limit)
    assert refused.candidate is None
    assert refused.kind == f"{cost} over the limit"
    assert refused.violations == {"possible": 0.0, cost: math.log(dear[cost] / limit[cost])}


def test_a_cost_at_its_limit_is_within(small):
    assert feasibility(small, SMALL, parameters=costs(small, SMALL)["parameters"]).violations["parameters"] == 0


def test_the_reason_names_the_worst_limit_with_units(small):
    reasons = [
        feasibility(small, LARGE, PER_LAYER, **limits).reason
        for limits in ({"parameters": 600, "memory": 1e6}, {"latency_ms": 1.5}, {"macs": 100_000, "parameters": 600})
    ]
    assert reasons == [
        "memory: 2.7 MB is more than the limit of 1 MB",
        "latency_ms: 3 ms is more than the limit of 1.5 ms",
        "macs: 165,912 is more than the limit of 100,000",
    ]


def test_what_is_no_network_violates_more_than_one_that_costs_ten_thousand_times_too_much(small):
    impossible = judge(replace(small, limits={"macs": 5}), complete(small, SMALL), (1, 1, 1), CLASSES)
    assert set(impossible.violations) == {"possible", "macs"}
    dear = feasibility(small, LARGE, macs=costs(small, LARGE)["macs"] / 1e4)
    assert sum(impossible.violations.values()) > sum(dear.violations.values()) > 0
