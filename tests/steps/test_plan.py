import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipeline.search.forecast import macs_beside
from pipeline.steps.plan import (
    SECONDS,
    Budget,
    choose_epochs,
    choose_image_size,
    choose_macs,
    choose_space,
    lengthen,
    mean_macs,
)

RATES = st.floats(1e7, 1e14)
SECONDS_GIVEN = st.one_of(st.none(), st.floats(1, 1e6))
IMAGES = st.integers(1, 10**7)
SIDES = st.integers(1, 10_000)
MACS = WORK = st.floats(1, 1e13)


@given(SECONDS_GIVEN, st.one_of(st.none(), st.integers(1, 10_000)), RATES, IMAGES, st.integers(1, 10**6))
def test_the_trials_of_a_budget_fit_its_time(time, trials, rate, images, pixels):
    budget = Budget.share(time, trials, rate)
    assert budget.seconds == time if time is not None else trials is not None or budget.seconds == SECONDS
    epochs = choose_epochs(images)
    work = budget.work(images, epochs)
    macs = mean_macs(work, pixels)
    assume(macs > 0)
    assert macs + macs_beside(pixels) == pytest.approx(work)
    # Trials of a few seconds are all overhead: not more than twice as long as planned.
    assert budget.seconds_per_trial(macs, images, epochs, pixels) <= 2 * budget.seconds / budget.trials + 3


def test_more_time_is_for_more_and_for_larger_networks():
    short, long = Budget.share(600.0, None, 1e10), Budget.share(2400.0, None, 1e10)
    assert long.trials == 2 * short.trials
    assert 2 <= long.work(1000, 20) / short.work(1000, 20) <= 2.2


def test_given_trials_do_not_make_the_networks_smaller_unless_the_time_is_given_too():
    assert Budget.share(None, 100, 1e10).work(1000, 20) == pytest.approx(Budget.share(None, None, 1e10).work(1000, 20))
    assert Budget.share(600.0, 100, 1e10).work(1000, 20) < Budget.share(600.0, None, 1e10).work(1000, 20) / 10


@given(IMAGES, IMAGES)
def test_more_images_need_fewer_epochs_within_bounds(images, others):
    few, many = sorted((images, others))
    assert 5 <= choose_epochs(many) <= choose_epochs(few) <= 40


@given(SIDES, SIDES, WORK)
def test_images_are_never_enlarged_and_their_sides_stay_in_bounds(height, width, work):
    chosen = choose_image_size((height, width), work)
    assert chosen[0] <= max(height, 8)
    assert chosen[1] <= max(width, 8)
    if chosen != (height, width):
        assert math.sqrt(math.prod(chosen)) < 1.2 * 128 + 8
        assert max(chosen) <= 5 * min(chosen)  # four times, but for the rounding


@given(st.integers(33, 4000), st.integers(33, 4000), WORK)
def test_the_aspect_ratio_stays_up_to_the_rounding(height, width, work):
    assume(max(height, width) <= 4 * min(height, width))
    rows, columns = choose_image_size((height, width), work)
    if (rows, columns) != (height, width):
        factor = math.sqrt(rows * columns / (height * width))
        assert abs(rows - height * factor) <= 8
        assert abs(columns - width * factor) <= 8
        assert rows / columns == pytest.approx(height / width, rel=0.25)


@given(SIDES, WORK, WORK)
def test_more_work_allows_larger_images(side, work, others):
    few, many = sorted((work, others))
    assert choose_image_size((side, side), few) <= choose_image_size((side, side), many)


def test_small_images_stay_as_they_are():
    assert choose_image_size((8, 8), 1.0) == (8, 8)
    assert choose_image_size((1, 1), 1e9) == (1, 1)


@given(MACS, st.integers(1, 10**6), MACS)
def test_the_limit_admits_what_it_must_and_is_at_most_a_tenth_above(mean, pixels, least):
    limit = choose_macs(mean, pixels, least)
    assert limit >= least
    assert limit <= max(1.1 * max(4 * mean, least), 100)


@pytest.mark.parametrize(
    ("time", "trials", "space"),
    [
        (None, None, "quick"),
        (60.0, None, "quick"),
        (3599.0, None, "quick"),
        (3600.0, None, "plain"),
        (None, 14, "quick"),
        (None, 84, "plain"),
        (600.0, 84, "quick"),
    ],
)
def test_a_wide_space_needs_an_hour(time, trials, space):
    assert choose_space(time, trials) == space


@given(st.integers(5, 40), MACS, MACS, st.integers(1, 10**6))
def test_ample_time_makes_for_more_epochs_up_to_40_and_scarce_time_not_for_fewer(epochs, mean, more, pixels):
    few, many = sorted((mean, more))
    assert epochs <= lengthen(epochs, few, pixels) <= lengthen(epochs, many, pixels) <= 40
    if few <= 24_000 * pixels:
        assert lengthen(epochs, few, pixels) == epochs


def test_on_a_gpu_the_hours_go_into_epochs_too():
    budget = Budget.share(8 * 3600.0, None, 3e12)
    assert lengthen(choose_epochs(49_000), mean_macs(budget.work(49_000, 5), 32 * 32), 32 * 32) == 40


def test_many_workers_have_a_trial_each():
    assert Budget.share(600.0, None, 1e9, workers=32).trials == 32
    assert Budget.share(600.0, None, 1e9, workers=2).trials == Budget.share(600.0, None, 1e9).trials
