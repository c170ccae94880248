"""What several tables must agree on."""

from pipeline import job
from pipeline.executors import EXECUTORS
from pipeline.objective import MINIMISED
from pipeline.search.pruners import PRUNERS, first_rung
from pipeline.search.searches import SEARCHES
from pipeline.space.limits import COSTS


def test_a_job_offers_what_there_is():
    assert set(job.SEARCHES) == set(SEARCHES)
    assert set(job.PRUNERS) == set(PRUNERS)
    assert set(job.EXECUTORS) == set(EXECUTORS)


def test_what_can_be_minimised_is_a_cost():
    assert set(MINIMISED.values()) <= set(COSTS)


def test_the_first_rung_is_no_earlier_than_a_tenth_of_the_epochs():
    assert all(first_rung(epochs) >= epochs / 10 for epochs in range(1, 300))
    assert first_rung(1) == 2
    assert first_rung(52) == 6
