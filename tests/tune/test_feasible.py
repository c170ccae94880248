import time

import pytest

from pipeline.data import load as load_data
from pipeline.errors import SpaceError
from pipeline.space import available, fix, limit, load
from pipeline.tune.feasible import NetworkSizes, check_feasible, measure_networks
from tests.spaces import CONTINUOUS, space


class Images:
    """What a check needs of a dataset."""

    def __init__(self, side, channels=3, classes=10):
        self.shape, self.classes = (side, side, channels), tuple(map(str, range(classes)))


@pytest.mark.parametrize("side", [16, 100, 256])
@pytest.mark.parametrize("name", [name for name, _ in available()])
def test_every_shipped_space_has_networks_from_16_to_256_pixels_within_the_least_limit(name, side, monkeypatch):
    monkeypatch.setattr("pipeline.tune.feasible._DRAWS", 10)
    shipped = load(name)
    least = measure_networks(shipped, [], Images(side), False).least
    check_feasible(limit(shipped, {"macs": int(least)}), Images(side))


def test_the_least_limit_admits_the_smallest_start_point_and_every_attempt():
    quick = load("quick")
    least = measure_networks(quick, [], Images(32), False).least
    assert quick.start_from["small"]
    large = measure_networks(quick, [quick.start_from["large"]], Images(32), False).least
    assert least < large == pytest.approx(38.6e6, rel=0.01)


def test_without_start_points_a_tenth_of_the_draws_count(tmp_path):
    free = space(tmp_path, CONTINUOUS)
    check_feasible(limit(free, {"macs": int(measure_networks(free, [], Images(16), False).least)}), Images(16))
    with pytest.raises(SpaceError):
        check_feasible(
            limit(free, {"macs": int(measure_networks(free, [], Images(16), False).least / 100)}), Images(16)
        )


def test_images_that_are_too_small_are_refused_in_seconds_with_the_smallest_that_fit():
    began, deep = time.monotonic(), fix(load("quick"), {"blocks": 4, "designed_for": 0})
    with pytest.raises(SpaceError, match=r"none of its networks fits images of 5x5 pixels .*--image-size") as refused:
        check_feasible(deep, Images(5))
    assert time.monotonic() - began < 5
    smallest = int(str(refused.value).split("--image-size ")[1])
    assert smallest == 16
    check_feasible(deep, Images(smallest))


def test_limits_that_all_networks_exceed_are_named_with_one_that_helps():
    tight = limit(load("quick"), {"macs": 1000, "parameters": 5_000_000})
    with pytest.raises(
        SpaceError, match=r"none of its networks for images of 32x32 pixels .* --limit macs=(\d+)"
    ) as refused:
        check_feasible(tight, Images(32))
    advised = int(str(refused.value).split("--limit macs=")[1].split()[0])
    check_feasible(limit(tight, {"macs": advised}), Images(32))


def test_a_latency_limit_is_left_to_the_search():
    check_feasible(limit(load("quick"), {"latency_ms": 1e-9}), Images(32))


def test_a_real_dataset_will_do():
    check_feasible(load("quick"), load_data("digits", fetch=lambda name, folder: None))


def test_the_mean_is_that_of_the_draws_within_a_limit():
    sizes = NetworkSizes(1, (1.0, 2.0, 6.0), limited=False)
    assert (sizes.mean(10), sizes.mean(2), sizes.mean(0.5)) == (3.0, 1.5, None)
