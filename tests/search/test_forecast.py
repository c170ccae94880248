import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.search.forecast import Forecast
from pipeline.study.trial import EpochReport


def learned(*trials, **settings):
    """A forecast that has seen trials: (MACs, seconds after the first epoch, after the second, ...)."""
    forecast = Forecast(**settings)
    for number, (macs, *times) in enumerate(trials):
        for epoch, seconds in enumerate(times, 1):
            forecast.learn(macs, EpochReport(number, epoch, {}, seconds))
    return forecast


def test_without_any_knowledge_everything_fits():
    assert Forecast().epochs_within(1.0, 10**9) == math.inf
    assert learned((10**6, 5.0)).epochs_within(1.0, 10**9) == math.inf  # a first epoch shows little


def test_the_rate_of_the_machine_counts_until_an_epoch_has_run():
    assert Forecast(seconds_per_mac=1e-6).epoch_seconds(5_000_000) == pytest.approx(7)
    assert learned((5_000_000, 9, 12), seconds_per_mac=1e-6).epoch_seconds(5_000_000) == pytest.approx(3)


@pytest.mark.parametrize(("macs", "seconds"), [(10**6, 3), (4 * 10**6, 6), (10**8, 102)])
def test_what_is_done_beside_the_network_takes_as_long_as_2_million_macs(macs, seconds):
    assert learned((10**6, 3, 6)).epoch_seconds(macs) == pytest.approx(seconds)


def test_more_pixels_take_longer_even_if_the_network_does_not():
    few, many = (Forecast(pixels, seconds_per_mac=1e-6).epoch_seconds(10**6) for pixels in (32 * 32, 64 * 64))
    assert many - few == pytest.approx(750e-6 * 3 * 1024)


def test_the_median_pace_of_the_trials_counts():
    slow, usual, fast = (10**6, 6, 12), (2 * 10**6, 4, 8), (98 * 10**6, 50, 100)
    assert learned(slow, usual, fast).epoch_seconds(18 * 10**6) == pytest.approx(20)


def test_epochs_are_the_same_while_others_train_beside():
    """A trial that is the last to run has all cores at its end; the next ones will not."""
    assert learned((10**6, 1, 5, 9, 13, 15, 17)).epoch_seconds(10**6) == pytest.approx(4)


def test_the_usual_epoch_counts_and_what_comes_before_the_first():
    forecast = learned((10**6, 7, 9, 10, 11))
    assert forecast.epoch_seconds(10**6) == pytest.approx(1)
    assert forecast.epochs_within(11.0, 10**6) == pytest.approx(5)  # a tenth is kept back, and 7 - 2 seconds


def test_networks_of_unknown_size_are_alike():
    assert learned((None, 1, 3)).epoch_seconds(None) == 2
    assert learned((None, 1, 3)).epoch_seconds(10**9) == 2
    assert learned((None, 1, 3), (10**6, 1, 4)).epoch_seconds(2 * 10**6) == pytest.approx(4)
    assert learned((10**6, 1, 2), (10**8, 1, 4)).epoch_seconds(None) == 2  # the median


def test_trials_of_an_earlier_run_are_remembered_by_their_whole_time():
    forecast = Forecast()
    forecast.learn_whole(0, 10**6, seconds=12.0, epochs=4)
    forecast.learn_whole(1, 10**6, seconds=3.0, epochs=0)
    assert (forecast.epoch_seconds(10**6), forecast.known) == (pytest.approx(3), 1)


def test_epochs_one_by_one_say_more_than_the_whole_time():
    forecast = learned((10**6, 5, 6))
    forecast.learn_whole(0, 10**6, seconds=8.0, epochs=2)
    assert forecast.epoch_seconds(10**6) == pytest.approx(1)


def test_the_latest_trials_count():
    """So a look at them takes no longer as they add up."""
    forecast = learned(*((10**6, 50, 90) for _ in range(30)), *((10**6, 3, 5) for _ in range(100)))
    assert forecast.epoch_seconds(10**6) == pytest.approx(2)
    assert forecast.epochs_within(12.1, 10**6) == pytest.approx(5)
    assert forecast.known == 130


@given(
    st.floats(0, 1e6),
    st.integers(1, 10**12),
    st.lists(st.tuples(st.integers(1, 10**12), st.floats(0.01, 1e4)), max_size=4),
)
def test_more_time_never_fits_less(seconds, macs, trials):
    forecast = learned(*((size, first, first * 2.5) for size, first in trials))
    assert 0 <= forecast.epochs_within(seconds, macs) <= forecast.epochs_within(seconds + 1, macs)
