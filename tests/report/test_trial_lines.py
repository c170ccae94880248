"""What happens to trials, in plain lines."""

import math

import pytest

from pipeline.report.study_progress import Ended, StudyProgress
from pipeline.report.trial_lines import (
    describe_counts,
    describe_end,
    describe_epoch,
    describe_start,
    format_share,
    format_time,
)
from pipeline.study.trial import EpochReport, TrialState
from tests.report.made_up import record

PARAMS = {"family": "plain", "filters_1": 16, "filters_2": 32, "learning_rate": 0.0021}
DRAWN = ("filters_1", "filters_2", "learning_rate")


def trial(number=7, state=TrialState.COMPLETE, score=0.9523, epochs=8, reason="", planned=8):
    result = {"epochs": epochs, "seconds": 6.1, "reason": reason}
    return record(number, score, state, params=PARAMS, drawn=DRAWN, planned=planned, **result)


def test_line_of_a_complete_trial():
    assert describe_end(trial()) == "trial 7  complete  0.9523  8 epochs   6.1 s    filters=16,32 lr=0.0021"


def test_lines_stand_below_each_other():
    lines = [
        describe_end(trial(7, epochs=10), 2),
        describe_end(trial(12, TrialState.PRUNED, 0.5, 1, "pruned after epoch 1"), 2),
    ]
    assert [line.index("filters") for line in lines] == [lines[0].index("filters")] * 2


def test_a_failed_trial_says_why_before_its_params():
    line = describe_end(trial(state=TrialState.FAILED, score=None, epochs=0, reason="the loss is NaN"))
    assert line.startswith("trial 7  failed    -       0 epochs ")
    assert line.index("the loss is NaN") < line.index("filters")


def test_a_reason_that_repeats_the_state_is_left_out():
    line = describe_end(trial(state=TrialState.PRUNED, epochs=3, reason="pruned after epoch 3"))
    assert "after epoch" not in line
    assert "the time was up" in describe_end(trial(state=TrialState.INTERRUPTED, reason="the time was up"))


def test_line_of_a_trial_that_began():
    assert describe_start(trial(), 3) == "trial   7  began     filters=16,32 lr=0.0021"


def test_line_of_an_epoch_has_every_metric():
    report = EpochReport(7, 3, {"loss": 0.25, "val_accuracy": 0.9012}, 1.0)
    assert describe_epoch(trial(planned=10), report) == "trial 7  epoch  3/10  loss 0.25  val_accuracy 0.9012"


def test_counts_by_state_and_infeasible_proposals():
    states = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.PRUNED, TrialState.FAILED)
    ended = Ended.of(trial(state=state) for state in states)
    line = describe_counts(StudyProgress(20, ended, infeasible=1))
    assert line == "1 complete  2 pruned  1 failed  1 infeasible proposal"


@pytest.mark.parametrize(
    ("done", "total", "expected"), [(7, 20, "7/20"), (7, math.inf, "7 trials"), (1, math.inf, "1 trial")]
)
def test_share(done, total, expected):
    assert format_share(done, total) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0:00:00"),
        (7.4, "0:00:07"),
        (59.6, "0:01:00"),
        (750, "0:12:30"),
        (3599.9, "1:00:00"),
        (90_061, "1 day, 1:01:01"),
    ],
)
def test_time(seconds, expected):
    assert format_time(seconds) == expected
