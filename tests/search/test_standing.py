import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.metrics import METRICS
from pipeline.search.standing import Standing
from pipeline.study.trial import Fault, TrialState
from tests.report.made_up import record

ENDED = [
    record(0, 0.5, model="m"),
    record(1, 0.7, model="m"),
    record(2, 0.6, TrialState.PRUNED),
    record(3, 0.9, TrialState.FAILED),
    record(4, 0.8, TrialState.INTERRUPTED, model="m"),
    record(5, 0.7, model="m"),
    record(6, None, TrialState.RUNNING),
]


def test_complete_pruned_and_failed_trials_count_until_one_is_better():
    counts = [Standing(ENDED[:known]).without_progress for known in range(8)]
    assert counts == [0, 0, 0, 1, 2, 2, 3, 3]


def test_without_any_score_all_that_ended_count():
    assert Standing([record(number, None, TrialState.FAILED) for number in range(3)]).without_progress == 3


def test_a_fault_of_the_machine_says_nothing_about_the_search():
    failed = [record(number, None, TrialState.FAILED, fault=fault) for number, fault in enumerate(Fault)]
    assert Standing(failed).without_progress == len(failed) - 1


@given(st.permutations(ENDED))
def test_the_order_in_which_trials_end_does_not_matter(records):
    standing = Standing(records)
    assert standing.without_progress == 3
    assert standing.reaching(0.8).number == 4


@pytest.mark.parametrize(("score", "reached_by"), [(0.7, 1), (0.71, None), (0.9, None)])
def test_a_score_is_reached_by_the_first_of_the_best_models(score, reached_by):
    found = Standing([one for one in ENDED if one.number != 4]).reaching(score)
    assert (found and found.number) == reached_by


def test_where_less_is_better_less_reaches():
    standing = Standing([record(0, 0.3, metric=METRICS["log_loss"], model="m")])
    assert standing.reaching(0.3).number == 0
    assert standing.reaching(0.29) is None
    assert Standing([]).reaching(0.5) is None
