import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.metrics import ACCURACY, METRICS
from pipeline.search.early_end import why_final
from pipeline.study.trial import EpochReport

EPOCHS = 18
"""The full epochs of these trials: 6 without a better score are a plateau, 3 with a high loss a divergence."""
CONSTANT = [0.1] * EPOCHS
COSINE = [0.05 * (1 + math.cos(math.pi * epoch / EPOCHS)) for epoch in range(1, EPOCHS + 1)]
ONE_CYCLE = [0.1 * min(epoch / 6, (EPOCHS - epoch) / 12) for epoch in range(1, EPOCHS + 1)]
FALLING = [2.0 * 0.9**epoch for epoch in range(EPOCHS)]

SCORES = st.lists(st.floats(0, 0.99), min_size=1, max_size=EPOCHS)
LOSSES = st.lists(st.floats(0, 100), min_size=EPOCHS, max_size=EPOCHS)


def verdict(scores, losses=FALLING, rates=CONSTANT, metric=ACCURACY, epochs=EPOCHS):
    reports = [
        EpochReport(0, epoch, {metric.logged_as: score, "loss": loss, "epoch_learning_rate": rate}, float(epoch))
        for epoch, (score, loss, rate) in enumerate(zip(scores, losses, rates, strict=False), 1)
    ]
    return why_final(reports, metric, epochs)


def ends_after(scores, **more):
    """The first epoch after which the trial ends, and why."""
    found = ((epoch, verdict(scores[:epoch], **more)) for epoch in range(1, EPOCHS))
    return next(((epoch, why) for epoch, why in found if why), None)


def test_a_plateau_at_a_constant_rate_is_final():
    assert ends_after([0.1, 0.5, 0.7] + [0.6, 0.7] * 8) == (14, "no better for 11 epochs")
    assert ends_after([0.1, 0.5, 0.7] + [0.6, 0.71] + [0.7] * 12) == (16, "no better for 11 epochs")


def test_a_plateau_at_a_constant_rate_takes_eleven_epochs_and_a_third_of_them():
    flat = [0.5] * 40
    assert not verdict(flat[:11], rates=flat, losses=FALLING, epochs=15)
    assert verdict(flat[:12], rates=flat, losses=FALLING, epochs=15)
    assert not verdict(flat[:14], rates=flat, losses=FALLING, epochs=40)
    assert verdict(flat[:15], rates=flat, losses=FALLING, epochs=40)


def test_a_rate_that_is_lowered_after_ten_epochs_gets_its_chance():
    flat, rates = [0.5] * 12, [0.1] * 11 + [0.01]
    assert not verdict(flat, rates=rates, losses=FALLING, epochs=18)


def test_under_a_falling_rate_a_plateau_is_final_only_at_its_end():
    assert ends_after([0.5] * EPOCHS, rates=COSINE) == (17, "no better for 16 epochs")
    steps = [0.1] * 4 + [0.05] * 14
    assert ends_after([0.5] * EPOCHS, rates=steps) is None


def test_where_less_is_better_less_is_no_plateau():
    losses = [1 / epoch for epoch in range(1, EPOCHS)]
    assert not verdict(losses, metric=METRICS["log_loss"])
    assert verdict(losses[::-1], metric=METRICS["log_loss"])


def test_a_perfect_score_is_final_at_once():
    rise = [0.01 * epoch for epoch in range(1, EPOCHS + 1)]
    assert ends_after([0.9, 1.0, 0.9, 1.0], rates=rise) == (2, "its score is perfect")
    assert ends_after([0.9, 0.0, 0.9], metric=METRICS["log_loss"]) == (2, "its score is perfect")
    assert ends_after([0.9, 1.0, 1.0], metric=METRICS["log_loss"]) is None


def test_a_network_that_learns_nothing_ends_whatever_its_rate_does():
    stuck = [2.31] + [2.303] * 17
    assert ends_after([0.1] * EPOCHS, losses=stuck, rates=COSINE) == (7, "it has learned nothing for 6 epochs")
    assert ends_after([0.1] * EPOCHS, losses=stuck, rates=ONE_CYCLE) == (12, "it has learned nothing for 11 epochs")
    assert ends_after([0.1] * EPOCHS, losses=FALLING, rates=COSINE)[0] > 12, "the validation may lag behind"


def test_a_loss_that_blows_up_and_stays_there_ends_a_trial():
    scores = [0.1, 0.4, 0.5, 0.6] + [0.1] * 14
    assert ends_after(scores, losses=[2, 1, 0.8, 0.7] + [9] * 14) == (7, "its training loss rose from 0.7 to 9")
    assert not verdict(scores[:7], losses=[2, 1, 0.8, 0.7, 9, 6, 4]), "it comes down"
    assert not verdict(scores[:7], losses=[2, 1, 0.8, 0.7, 1.9, 1.9, 1.9]), "as at the start"
    assert not verdict(scores[:7], losses=[2, 1, 0.8, 0.7, 9, 0.7, 9]), "single epochs"


@given(SCORES, LOSSES)
def test_nothing_ends_while_the_rate_rises_nor_soon_after(scores, losses):
    rise = [0.01 * epoch for epoch in range(1, EPOCHS + 1)]
    assert not verdict(scores, losses, rise)
    assert not verdict(scores[:8], losses, ONE_CYCLE), "two epochs after the peak"


@given(
    st.lists(st.floats(0, 0.99), min_size=1, max_size=EPOCHS, unique=True),
    st.sampled_from([CONSTANT, COSINE, ONE_CYCLE]),
)
def test_a_trial_that_gets_better_goes_on(scores, rates):
    assert not verdict(sorted(scores), rates=rates)


@given(SCORES, LOSSES, st.sampled_from([CONSTANT, COSINE, ONE_CYCLE]))
def test_the_first_epochs_say_nothing(scores, losses, rates):
    assert not verdict(scores[:3], losses, rates)
    assert "no better" not in verdict(scores[:6], losses, rates)


@pytest.mark.parametrize("missing", ["loss", "epoch_learning_rate"])
def test_a_history_without_rates_or_with_scores_that_are_not_finite_is_survived(missing):
    metrics = {"val_accuracy": math.nan, "loss": 1.0, "epoch_learning_rate": 0.1}
    del metrics[missing]
    why = why_final([EpochReport(0, epoch, metrics, 1.0) for epoch in range(1, 12)], ACCURACY, EPOCHS)
    assert why == ("" if missing == "epoch_learning_rate" else "no better for 11 epochs")
    assert why_final([], ACCURACY, EPOCHS) == ""
