import time

import pytest

from pipeline.errors import SpaceError
from pipeline.space import available, complete, fix, limit, load
from pipeline.steps.feasible import check_feasible
from pipeline.steps.networks import measure_networks
from pipeline.steps.plan import Budget, choose_epochs, choose_macs, mean_macs
from tests.steps.images import Images


def check(space, side, attempts=()):
    check_feasible(space, attempts, (side, side, 3), 10)


@pytest.mark.parametrize("rate", [3e8, 1e10])
@pytest.mark.parametrize("side", [16, 100, 256])
@pytest.mark.parametrize("name", [name for name, _ in available()])
def test_every_shipped_space_has_networks_from_16_to_256_pixels_within_what_is_planned(name, side, rate, monkeypatch):
    shipped, images = load(name), 1000
    monkeypatch.setattr("pipeline.steps.networks.DRAWS", 10)
    monkeypatch.setattr(
        "pipeline.steps.feasible.DRAWS", 0 if shipped.start_from else 10
    )  # the start points alone must do
    work = Budget.share(None, None, rate).work(images, choose_epochs(images))
    macs = choose_macs(
        mean_macs(work, side * side), side * side, measure_networks(shipped, [], Images(side), limited=False).least
    )
    check(limit(shipped, {"macs": macs}), side)


def test_images_that_are_too_small_are_refused_in_seconds_with_the_smallest_that_fit():
    began, deep = time.monotonic(), fix(load("quick"), {"blocks": 4, "designed_for": 0})
    with pytest.raises(SpaceError, match=r"none of its networks fits images of 5x5 pixels .*--image-size") as refused:
        check(deep, 5)
    assert time.monotonic() - began < 5
    smallest = int(str(refused.value).split("--image-size ")[1])
    assert smallest == 16
    check(deep, smallest)


def test_limits_that_all_networks_exceed_are_named_with_one_that_helps():
    tight = limit(load("quick"), {"macs": 1000, "parameters": 5_000_000})
    with pytest.raises(SpaceError, match=r"no network for images of 32x32 pixels .* --limit macs=(\d+)") as refused:
        check(tight, 32)
    advised = int(str(refused.value).split("--limit macs=")[1].split()[0])
    check(limit(tight, {"macs": advised}), 32)


def test_a_latency_limit_is_left_to_the_search():
    check(limit(load("quick"), {"latency_ms": 1e-9}), 32)


def test_a_limit_that_hardly_any_network_keeps_is_no_reason_to_refuse():
    """Of 100 draws none is within it, but one that is can be reached from them."""
    tight = limit(load("quick"), {"parameters": 3_500})
    check(tight, 32)
    with pytest.raises(SpaceError, match=r"no network .* is within the limits; the nearest one has [\d,]+ parameters"):
        check(limit(load("quick"), {"parameters": 500}), 32)


def test_a_point_to_try_counts(monkeypatch):
    monkeypatch.setattr("pipeline.steps.feasible._approach", lambda space, candidate, *args: candidate)
    tight = limit(load("quick"), {"parameters": 3_500})
    point = complete(tight, {"blocks": 2, "convs": 1, "filters": 16, "kernel": 3, "head": "average", "fc_layers": 0})
    with pytest.raises(SpaceError):
        check(tight, 32)
    check(tight, 32, [point])
