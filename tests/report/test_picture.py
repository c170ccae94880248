"""The text of the progress view."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from pipeline.record import Record
from pipeline.report.picture import (
    Running,
    Standing,
    began_line,
    clock,
    counts,
    cut,
    ended_line,
    epoch_line,
    of,
    picture,
    sparkline,
    time_left,
)
from pipeline.trial import Outcome, Report, State

VALUES = {"family": "plain", "filters_1": 16, "filters_2": 32, "learning_rate": 0.0021}
VARIED = ("filters_1", "filters_2", "learning_rate")


def record(number=7, state=State.COMPLETE, value=0.9523, epochs=8, reason=""):
    outcome = Outcome(number, state, value, epochs, 6.1, reason)
    return Record(number, VALUES, VARIED, {"parameters": 1000, "macs": 2000}, 0, outcome)


def running(number, *accuracies, epochs=10):
    return Running(record(number, State.RUNNING, None, 0), epochs, accuracies)


def report(number, epoch, accuracy):
    return Report(number, epoch, {"loss": 0.25, "val_accuracy": accuracy}, 1.0)


# --- sparkline


def test_sparkline_runs_from_the_least_to_the_greatest():
    assert sparkline([0.1, 0.2, 0.3, 0.8], 8) == "▁▂▃█"


@pytest.mark.parametrize(
    ("values", "expected"), [([], ""), ([0.5], "▄"), ([0.5, 0.5], "▄▄"), ([0.0, math.nan, 1.0], "▁ █")]
)
def test_sparkline_without_a_range(values, expected):
    assert sparkline(values, 8) == expected


def test_sparkline_thins_and_shows_the_last_value():
    assert sparkline([0.0] * 99 + [1.0], 4) == "▁▁▁█"


@given(st.lists(st.floats(), max_size=60), st.integers(1, 20))
def test_sparkline_has_a_column_a_value_at_most_columns(values, columns):
    line = sparkline(values, columns)
    assert len(line) == min(len(values), columns)
    assert set(line) <= set(" ▁▂▃▄▅▆▇█")


# --- time


def test_time_left_goes_on_at_the_same_pace():
    assert time_left(left=6, work=3, seconds=30, until=None) == 60


def test_time_left_is_the_limit_when_that_comes_first():
    assert time_left(6, 3, 30, until=45) == 45
    assert time_left(6, 3, 30, until=75) == 60
    assert time_left(math.inf, 3, 30, until=45) == 45
    assert time_left(math.inf, 1, 0, until=45) == 45


def test_time_left_is_never_negative():
    assert time_left(6, 3, 30, until=-2) == 0


def test_time_left_is_unknown_before_any_work_and_without_an_end():
    assert time_left(6, 0, 0, None) is None
    assert time_left(6, 1, 0, None) is None
    assert time_left(math.inf, 3, 30, None) is None


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "0:00"), (7.4, "0:07"), (59.6, "1:00"), (750, "12:30"), (3599.9, "1:00:00"), (90_061, "25:01:01")],
)
def test_clock(seconds, expected):
    assert clock(seconds) == expected


# --- lines


def test_line_of_a_complete_trial():
    assert ended_line(record()) == "trial 7  complete  0.9523  8 epochs   6.1 s    filters=16,32 lr=0.0021"


def test_lines_stand_below_each_other():
    lines = [
        ended_line(record(7, epochs=10), 2),
        ended_line(record(12, State.PRUNED, 0.5, 1, "pruned after epoch 1"), 2),
    ]
    assert [line.index("filters") for line in lines] == [lines[0].index("filters")] * 2


def test_a_failed_trial_says_why_before_its_values():
    line = ended_line(record(state=State.FAILED, value=None, epochs=0, reason="the loss is NaN"))
    assert line.startswith("trial 7  failed    -       0 epochs ")
    assert line.index("the loss is NaN") < line.index("filters")


def test_a_reason_that_repeats_the_state_is_left_out():
    assert "after epoch" not in ended_line(record(state=State.PRUNED, epochs=3, reason="pruned after epoch 3"))
    assert ended_line(record(state=State.INTERRUPTED, reason="interrupted")).count("interrupted") == 1


def test_line_of_a_trial_that_began():
    assert began_line(record(), 3) == "trial   7  began     filters=16,32 lr=0.0021"


def test_line_of_an_epoch_has_every_metric():
    assert epoch_line(report(7, 3, 0.9012), 10) == "trial 7  epoch  3/10  loss 0.25  val_accuracy 0.9012"


@pytest.mark.parametrize(
    ("done", "total", "expected"), [(7, 20, "7/20"), (7, math.inf, "7 trials"), (1, math.inf, "1 trial")]
)
def test_of(done, total, expected):
    assert of(done, total) == expected


def test_counts_by_outcome_and_infeasible_proposals():
    ended = (record(), record(state=State.PRUNED), record(state=State.PRUNED), record(state=State.FAILED))
    line = counts(Standing(20, ended, infeasible=1))
    assert line == "1 complete  2 pruned  1 failed  1 infeasible proposal"


@given(st.text(st.characters(categories=("L", "N", "Zs")), max_size=120), st.integers(1, 100))
def test_cut_lines_fit(text, width):
    line = cut(Text(text), width)
    assert line.cell_len <= width
    assert text.startswith(line.plain.removesuffix("…").rstrip())


@pytest.mark.parametrize(
    ("width", "expected"),
    [(40, "lr=0.0021 filters=16,32 kernel=3"), (25, "lr=0.0021 filters=16,32 …"), (5, "lr=0…")],
)
def test_cut_between_words(width, expected):
    assert cut(Text("lr=0.0021 filters=16,32 kernel=3"), width).plain == expected


def test_a_long_word_is_broken():
    assert cut(Text("failed " + "x" * 80), 40).plain == "failed " + "x" * 32 + "…"


# --- standing


def test_standing_follows_a_trial():
    standing = Standing(2).began(running(0)).began(running(1))
    standing = standing.reported(report(1, 1, 0.5)).reported(report(1, 2, 0.25))
    assert [one.accuracies for one in standing.running] == [(), (0.5, 0.25)]
    standing = standing.closed(Outcome(1, State.COMPLETE, 0.5, 2))
    assert [one.record.number for one in standing.running] == [0]
    assert [(one.number, one.state, one.value) for one in standing.ended] == [(1, State.COMPLETE, 0.5)]


def test_an_interrupted_trial_is_still_to_do():
    standing = Standing(2).began(running(0)).closed(Outcome(0, State.INTERRUPTED, 0.5, 2))
    assert standing.ended == standing.running == ()
    assert standing.left == 2


def test_work_counts_shares_of_running_trials_and_nothing_of_earlier_runs():
    standing = Standing(20, (record(), record()), (running(2, 0.1, 0.2), running(3)), earlier=1)
    assert standing.work == pytest.approx(1.2)
    assert standing.left == pytest.approx(17.8)


def test_nothing_is_left_when_there_are_more_trials_than_asked_for():
    assert Standing(1, (record(), record()), earlier=2).left == 0


# --- picture


def plain(standing, width=80, left=130.0):
    return [line.plain for line in picture(standing, 72.0, left, width)]


def test_picture():
    standing = Standing(20, (record(7), record(3, State.PRUNED, 0.99)), (running(8, 0.1, 0.5, 0.9312), running(19)), 12)
    assert plain(standing) == [
        "",
        "trials ━━━─────────────────────────────  2/20  1:12 elapsed  2:10 left",
        "       1 complete  1 pruned  0 failed  12 infeasible proposals",
        "best   0.9523  trial 7  filters=16,32 lr=0.0021",
        "trial  8  epoch  3/10  0.9312  ▁▄█         filters=16,32 lr=0.0021",
        "trial 19  epoch  0/10  starting            filters=16,32 lr=0.0021",
    ]


def test_picture_of_an_unknown_total_has_no_bar():
    assert plain(Standing(math.inf, (record(),)), left=None)[1] == "trials 1  1:12 elapsed"


def test_the_bar_is_full_when_all_is_done():
    assert "─" not in plain(Standing(1, (record(),)), left=0.0)[1]
    assert "left" not in plain(Standing(1, (record(),)), left=0.0)[1]


@given(st.integers(8, 200), st.integers(0, 8), st.integers(0, 3), st.sampled_from([1, 20, 100_000, math.inf]))
def test_no_line_is_wider_than_the_view(width, trials, ended, total):
    standing = Standing(total, (record(),) * ended, tuple(running(n, *[0.5] * n, epochs=8) for n in range(trials)))
    lines = picture(standing, 72.0, 1e6, width)
    assert len(lines) == 3 + bool(ended) + trials
    assert max(line.cell_len for line in lines) <= width


def test_pruned_trials_are_not_best_while_one_is_complete():
    standing = Standing(20, (record(3, State.PRUNED, 0.99),))
    assert "trial 3" in plain(standing)[3]
    assert "trial 7" in plain(replace(standing, ended=(*standing.ended, record(7))))[3]
