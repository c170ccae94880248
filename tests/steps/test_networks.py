import pytest

from pipeline.data import load as load_data
from pipeline.space import limit, load
from pipeline.steps.networks import NetworkSizes, measure_networks
from tests.spaces import CONTINUOUS, space
from tests.steps.images import Images


def sizes(space, side=32, attempts=()):
    return measure_networks(space, attempts, Images(side), limited=False)


def test_the_least_limit_admits_the_smallest_start_point_and_every_attempt():
    quick = load("quick")
    assert quick.start_from["small"]
    large = sizes(quick, attempts=[quick.start_from["large"]])
    assert sizes(quick).least < large.least == pytest.approx(38.6e6, rel=0.01)


def test_without_start_points_a_tenth_of_the_draws_count(tmp_path):
    found = sizes(space(tmp_path, CONTINUOUS), 16)
    assert sum(macs <= found.least for macs in found.draws) >= len(found.draws) / 10


def test_what_other_limits_refuse_does_not_count():
    quick = load("quick")
    small = sizes(limit(quick, {"parameters": 20_000}))
    assert len(small.draws) < len(sizes(quick).draws)
    assert small.mean(1e12) < sizes(quick).mean(1e12) / 2


def test_the_mean_is_that_of_the_draws_within_a_limit():
    found = NetworkSizes(1, (1.0, 2.0, 6.0), limited=False)
    assert (found.mean(10), found.mean(2), found.mean(0.5)) == (3.0, 1.5, None)


def test_a_real_dataset_will_do():
    digits = load_data("digits", fetch=lambda name, folder: None)
    assert measure_networks(load("quick"), [], digits, limited=False).least > 1
