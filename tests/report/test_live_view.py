"""The live view as text."""

import io
import math
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from pipeline.metrics import METRICS
from pipeline.report.live_view import LiveView, sparkline
from pipeline.report.study_progress import Ended, RunningTrial, StudyProgress
from pipeline.study.trial import BatchReport, TrialState
from tests.report.made_up import record

PARAMS = {"family": "plain", "filters_1": 16, "filters_2": 32, "learning_rate": 0.0021}
DRAWN = ("filters_1", "filters_2", "learning_rate")


def trial(number=7, state=TrialState.COMPLETE, score=0.9523, **fields):
    return record(number, score, state, params=PARAMS, drawn=DRAWN, **fields)


def running(number, *scores, planned=10):
    return RunningTrial(trial(number, TrialState.RUNNING, None, planned=planned, epochs=0), scores)


def console(width, **settings):
    return Console(file=io.StringIO(), width=width, height=400, highlight=False, **settings)


def lines_of(study, width=80, left=130.0):
    """The lines without their trailing blanks."""
    terminal = console(width)
    terminal.print(LiveView(study, 72.0, left))
    return [line.rstrip() for line in terminal.file.getvalue().splitlines()]


def bar_of(study):
    """The share of the study's bar that is drawn as complete."""
    terminal = console(80, force_terminal=True, color_system="truecolor")
    rows = terminal.render_lines(LiveView(study, 72.0, 130.0), pad=False)
    complete, back = (terminal.get_style(name) for name in ("bar.complete", "bar.back"))
    cells = {style: sum(len(part.text) for part in rows[1] if part.style == style) for style in (complete, back)}
    return cells[complete] / sum(cells.values())


STUDY = StudyProgress(
    20,
    Ended.of([trial(7), trial(3, TrialState.PRUNED, 0.99)]),
    (running(8, 0.1, 0.5, 0.9312), running(19)),
    infeasible=12,
)


def test_the_whole_view():
    lines = lines_of(STUDY)
    assert lines[0] == ""
    assert lines[1].startswith("trials ━━━")
    assert lines[1].endswith(" 2/20 0:01:12 elapsed 0:02:10 left")
    assert lines[2:] == [
        "       1 complete  1 pruned  0 failed  12 infeasible proposals",
        "best   0.9523  trial 7  filters=16,32 lr=0.0021",
        "trial  8 epoch  3/10 0.9312   ▁▄█        filters=16,32 lr=0.0021",
        "trial 19 epoch  0/10 starting            filters=16,32 lr=0.0021",
    ]


def test_the_bar_counts_shares_of_running_trials():
    assert bar_of(STUDY) == pytest.approx(2.3 / 20, abs=1 / 32)
    assert bar_of(replace(STUDY, total=4)) == pytest.approx(2.3 / 4, abs=1 / 32)


@pytest.mark.parametrize("width", [40, 60])
def test_a_narrow_view_keeps_what_matters(width):
    lines = lines_of(STUDY, width - 3)
    assert re.fullmatch(r"trials ━.{10,} 2/20 .*0:02:10 left", lines[1])
    assert lines[3].startswith("best   0.9523  trial 7")
    assert lines[4].startswith("trial  8 epoch  3/10 0.9312   ▁")


def test_an_infinite_total_has_no_bar():
    assert lines_of(StudyProgress(math.inf, Ended.of([trial()])), left=None)[1] == "trials 1 0:01:12 elapsed"


def test_the_bar_is_full_when_all_is_done():
    assert "left" not in lines_of(StudyProgress(1, Ended.of([trial()])), left=0.0)[1]
    terminal = console(80, force_terminal=True, color_system="truecolor")
    rows = terminal.render_lines(LiveView(StudyProgress(1, Ended.of([trial()])), 72.0), pad=False)
    assert not any(part.style == terminal.get_style("bar.back") for part in rows[1])


@given(st.integers(8, 200), st.integers(0, 8), st.integers(0, 3), st.sampled_from([1, 20, 100_000, math.inf]))
def test_no_line_is_wider_than_the_terminal(width, trials, ended, total):
    running_trials = tuple(running(number, *[0.5] * number, planned=8) for number in range(trials))
    study = StudyProgress(total, Ended.of([trial()] * ended), running_trials)
    terminal = console(width)
    terminal.print(LiveView(study, 72.0, 1e6))
    lines = terminal.file.getvalue().splitlines()
    assert len(lines) == 3 + bool(ended) + trials
    assert max(map(len, lines)) <= width


def test_pruned_trials_are_not_best_while_one_is_complete():
    study = StudyProgress(20, Ended.of([trial(3, TrialState.PRUNED, 0.99)]))
    assert "trial 3" in lines_of(study)[3]
    assert "trial 7" in lines_of(replace(study, ended=study.ended.plus(trial(7))))[3]


def test_the_best_trial_has_the_lowest_loss():
    losses = [trial(number, score=score, metric=METRICS["log_loss"]) for number, score in enumerate((0.5, 0.2, 0.3))]
    assert lines_of(StudyProgress(20, Ended.of(losses)))[3].startswith("best   0.2000 log loss  trial 1")


def test_params_are_never_read_as_markup():
    odd = record(0, None, TrialState.RUNNING, params={"units": "[8, 16]"}, planned=2)
    assert lines_of(StudyProgress(20, running=(RunningTrial(odd),)))[3].endswith("units=[8, 16]")


# --- sparkline


def test_sparkline_runs_from_the_least_to_the_greatest():
    assert sparkline([0.1, 0.2, 0.3, 0.8], 8) == "▁▂▃█"


@pytest.mark.parametrize(
    ("numbers", "expected"), [([], ""), ([0.5], "▄"), ([0.5, 0.5], "▄▄"), ([0.0, math.nan, 1.0], "▁ █")]
)
def test_sparkline_without_a_range(numbers, expected):
    assert sparkline(numbers, 8) == expected


def test_sparkline_thins_and_shows_the_last_number():
    assert sparkline([0.0] * 99 + [1.0], 4) == "▁▁▁█"


@given(st.lists(st.floats(), max_size=60), st.integers(1, 20))
def test_sparkline_has_one_character_per_number_at_most_columns(numbers, columns):
    line = sparkline(numbers, columns)
    assert len(line) == min(len(numbers), columns)
    assert set(line) <= set(" ▁▂▃▄▅▆▇█")


# --- within an epoch


def batches(number, scores=(), **report):
    batch = BatchReport(number, **{"batch": 340, "batches": 1200, "seconds": 34.0, "speed": 10.0} | report)
    return replace(running(number, *scores), batch=batch)


@pytest.mark.parametrize(
    ("report", "width", "share", "pace"),
    [
        ({"batch_size": 32}, 77, "340/1200", "320 images/s  left: epoch 1:26, trial 19:26"),
        ({}, 77, "340/1200", "left: epoch 1:26, trial 19:26"),
        ({"batch": 1200, "validating": True}, 77, "1200/1200", "validating  left: epoch 0:00, trial 18:00"),
        ({"batch": 0, "speed": None}, 77, "0/1200", ""),
        ({"batches": None, "batch_size": 32}, 77, "340", "320 images/s"),
        ({"batch_size": 32}, 37, "340/1200", "320 images/s …"),
    ],
)
def test_a_trial_has_a_line_for_its_epoch(report, width, share, pace):
    lines = lines_of(StudyProgress(20, running=(batches(8, **report), running(19))), width)
    assert lines[3].startswith("trial  8 epoch  0/10 starting")
    assert lines[4].replace("━", "").replace("╸", "").split() == ["batch", share, *pace.split()]
    assert lines[5].startswith("trial 19 epoch  0/10 starting")


@pytest.mark.parametrize(
    ("workers", "height", "trials", "shares", "rest"),
    [(4, 20, 4, 4, []), (10, 20, 10, 0, []), (64, 20, 14, 0, ["and 50 more that run"]), (3, 1, 1, 0, ["and 2 more"])],
)
def test_no_trial_is_drawn_below_the_last_line_of_the_terminal(workers, height, trials, shares, rest):
    terminal = Console(file=io.StringIO(), width=80, height=height)
    terminal.print(LiveView(StudyProgress(99, running=tuple(batches(number) for number in range(workers))), 72.0))
    lines = terminal.file.getvalue().splitlines()
    assert sum(line.startswith("trial ") for line in lines) == trials
    assert sum("340/1200" in line for line in lines) == shares
    assert [line.strip()[: len(told)] for line, told in zip(lines[-1:], rest, strict=False)] == rest
    assert len(lines) <= max(height, 5)


@given(st.integers(8, 200), st.integers(0, 10**6))
def test_the_line_of_an_epoch_is_never_wider_than_the_terminal(width, batch):
    trial = batches(3, batch=batch, batches=10**6, batch_size=128)
    lines = lines_of(StudyProgress(20, running=(trial, trial)), width)
    assert len(lines) == 3 + 4
    assert max(map(len, lines)) <= width


def test_the_trials_that_fit_are_told():
    terminal = console(80)
    terminal.print(LiveView(STUDY, 72.0, 130.0, fit=14))
    assert "\n       about 14 trials in all  1 complete  1 pruned" in terminal.file.getvalue()
