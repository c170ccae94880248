import time

import pytest

from pipeline.job import Job
from pipeline.steps.search import _budget


@pytest.mark.parametrize("seconds", [1.0, 60.0, 200.0, 600.0, 36_000.0])
def test_a_study_ends_within_5_percent_or_10_seconds_after_its_time(seconds):
    budget = _budget(Job("d", time=seconds, stop_at=0.5, patience=3, trial_timeout=90.0))
    assert budget.deadline - time.monotonic() == pytest.approx(seconds, abs=1.0)
    assert 5 <= budget.grace <= max(10, 0.05 * seconds) - 2, "ending the workers takes a second or two"
    assert (budget.stop_at, budget.patience, budget.trial_timeout) == (0.5, 3, 90.0)


def test_without_a_time_there_is_no_deadline():
    assert _budget(Job("d", trials=3)).deadline is None
