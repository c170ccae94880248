"""The progress of a study on consoles of every kind."""

import io
import math
import re
import sys
from dataclasses import replace

import pytest
from rich.console import Console

from pipeline.report.progress import ProgressListener, Verbosity, choose_verbosity, show_progress
from pipeline.report.study_progress import Ended, StudyProgress
from pipeline.study.trial import BatchReport, EpochReport, TrialState
from tests.report.made_up import record

PARAMS = {"family": "plain", "filters": 16, "learning_rate": 0.01}
EARLIER = [record(0, 0.5, params={})]
SHOW_CURSOR, HIDE_CURSOR = "\x1b[?25h", "\x1b[?25l"


@pytest.fixture(autouse=True)
def _usual_terminal(monkeypatch):
    """What the tests are run from does not matter."""
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)


def started(number, params=PARAMS, drawn=("filters", "learning_rate")):
    return record(number, None, TrialState.RUNNING, params=params, drawn=drawn, planned=2, epochs=0, seconds=0.0)


def ended(trial, state, score=None, **result):
    return replace(trial, result=replace(trial.result, state=state, score=score, **result))


def report(number, epoch, accuracy=0.5):
    return EpochReport(number, epoch, {"loss": 0.25, "val_accuracy": accuracy}, float(epoch))


def study(listener):
    """Trial 0 completes, 1 is pruned, 2 fails, 3 still runs."""
    ends = [
        (TrialState.COMPLETE, 0.75, ""),
        (TrialState.PRUNED, 0.5, "pruned after epoch 1"),
        (TrialState.FAILED, None, "killed by SIGKILL"),
    ]
    for number, (state, score, reason) in enumerate(ends):
        listener.trial_started(started(number))
        listener.epoch_ended(started(number), report(number, 1))
        listener.trial_ended(ended(started(number), state, score, epochs=1, seconds=1.5, reason=reason))
    listener.trial_started(started(3))
    listener.epoch_ended(started(3), report(3, 1))


def nothing(listener):
    """No event at all."""


def output_of(verbosity, act=study, total=20, records=(), infeasible=lambda: 0, width=80, **terminal):
    """What ``act`` leaves on a console."""
    live = verbosity is Verbosity.LIVE
    console = Console(file=io.StringIO(), force_terminal=live, width=width, height=24, highlight=False, **terminal)
    progress = StudyProgress(total, Ended.of(records), infeasible=infeasible(), earlier=len(records))
    listener = ProgressListener(console, verbosity, progress, None, infeasible)
    with listener.showing():
        act(listener)
    return console.file.getvalue()


def live_listener(file, total=20):
    console = Console(file=file, force_terminal=True, width=80, height=24)
    return ProgressListener(console, Verbosity.LIVE, StudyProgress(total))


def last_view(output):
    """The rows of the last view, without colours."""
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", output.split("\x1b[2K")[-1]).replace("\r", "").rstrip("\n").split("\n")


# --- lines


def test_lines_are_one_for_a_beginning_and_one_for_an_end():
    lines = output_of(Verbosity.LINES).splitlines()
    assert [line[:18] for line in lines] == [
        "trial  0  began   ",
        "trial  0  complete",
        "trial  1  began   ",
        "trial  1  pruned  ",
        "trial  2  began   ",
        "trial  2  failed  ",
        "trial  3  began   ",
    ]
    assert re.search(r"filters=16 lr=0\.01  \[1/20, \d+:\d\d:\d\d left]$", lines[1])
    assert "killed by SIGKILL" in lines[5]


def test_lines_are_never_folded_or_coloured():
    output = output_of(Verbosity.LINES, width=30)
    assert "\x1b" not in output
    assert len(output.splitlines()) == 7


ALL = " ".join(f"parameter{letter}={letter * 7}" for letter in "abcdefgh")
SOME = " ".join(ALL.split()[:4]) + " ..."


@pytest.mark.parametrize(("verbosity", "params"), [(Verbosity.LINES, SOME), (Verbosity.EPOCHS, ALL)])
def test_params_that_are_many_are_cut_unless_verbose(verbosity, params):
    many = dict(word.split("=") for word in ALL.split())

    def fail(listener):
        trial = started(0, many, tuple(many))
        listener.trial_started(trial)
        listener.trial_ended(ended(trial, TrialState.FAILED, reason="a reason " * 20))

    first, last = output_of(verbosity, fail).splitlines()
    assert first == f"trial  0  began     {params}"
    assert last.endswith(f"  {'a reason ' * 20}  {params}  [1/20]")


def test_epochs_have_lines_of_their_own_when_verbose():
    lines = [line for line in output_of(Verbosity.EPOCHS).splitlines() if "epoch 1/2" in line]
    assert len(lines) == 4
    assert lines[0] == "trial  0  epoch 1/2  loss 0.25  val_accuracy 0.5"


def test_constants_are_not_shown():
    assert "family" not in output_of(Verbosity.LINES) + output_of(Verbosity.LIVE)


def test_a_resumed_study_says_what_there_is():
    output = output_of(Verbosity.LINES, nothing, records=EARLIER)
    assert output == "going on after 1/20: 1 complete  0 pruned  0 failed  0 infeasible proposals\n"


def test_reasons_are_shown_without_control_characters():
    def fail(listener):
        listener.trial_started(started(0))
        reason = "the worker\n is [bold]down\x1b[31m\a"
        listener.trial_ended(ended(started(0), TrialState.FAILED, reason=reason))

    _, line = output_of(Verbosity.LINES, fail).splitlines()
    assert r"  the worker\n is [bold]down\x1b[31m\x07  filters=16" in line


def test_an_unknown_total_is_shown_as_a_count():
    assert "  [1 trial]" in output_of(Verbosity.LINES, total=math.inf)


# --- live


def test_live_prints_ended_trials_above_the_view():
    output = last_view(output_of(Verbosity.LIVE))
    assert output[0] == ""
    assert output[1].startswith("trials ━━")
    assert "3/20" in output[1]
    assert output[2].strip() == "1 complete  1 pruned  1 failed  0 infeasible proposals"
    assert output[3] == "best   0.7500  trial 0  filters=16 lr=0.01"
    assert output[4] == "trial 3 epoch 1/2 0.5000   ▄  filters=16 lr=0.01"
    for line in ("trial  0  complete", "trial  1  pruned", "trial  2  failed"):
        assert output_of(Verbosity.LIVE).count(line) == 1


def test_live_begins_with_the_trials_of_former_runs():
    view = last_view(output_of(Verbosity.LIVE, nothing, records=EARLIER, infeasible=lambda: 3))
    assert "1/20" in view[1]
    assert "3 infeasible" in view[2]
    assert "trial 0" in view[3]


def test_infeasible_proposals_are_counted_anew_when_a_trial_begins():
    counts = iter([0, 5])

    def start(listener):
        listener.trial_started(started(0))

    view = last_view(output_of(Verbosity.LIVE, start, infeasible=lambda: next(counts)))
    assert "5 infeasible proposals" in view[2]


def test_live_gives_the_terminal_back_when_interrupted():
    def interrupt(listener):
        study(listener)
        listener.trial_ended(ended(started(3), TrialState.INTERRUPTED, 0.5, reason="the study was interrupted"))
        raise KeyboardInterrupt

    file = io.StringIO()
    stdout, stderr = sys.stdout, sys.stderr
    listener = live_listener(file)
    with pytest.raises(KeyboardInterrupt), listener.showing():
        interrupt(listener)
    assert file.getvalue().rindex(SHOW_CURSOR) > file.getvalue().rindex(HIDE_CURSOR)
    assert (sys.stdout, sys.stderr) == (stdout, stderr)
    assert "trial  3  interrupted" in file.getvalue()
    assert "3/20" in last_view(file.getvalue().split(SHOW_CURSOR)[0])[1]


def test_live_survives_a_terminal_of_any_width():
    for width in (1, 5, 20, 200):
        assert output_of(Verbosity.LIVE, width=width)


def test_a_folded_view_is_wiped_when_the_terminal_becomes_narrower():
    file = io.StringIO()
    listener = live_listener(file)
    with listener.showing():
        listener.trial_started(started(0))
        listener._live.refresh()
        listener._console.width = 40
        before = len(file.getvalue())
        listener._print("narrow")
        first = file.getvalue()[before:].split("trials")[0]
    # four rows and the empty one, of which three have been folded once
    assert first.count("\x1b[2K") >= 4 + 3 - 1
    assert first.count("\x1b[1A") == first.count("\x1b[2K") - 1


def test_no_colours_when_the_user_wants_none():
    coloured = re.compile(r"\x1b\[(\d+;)*(3\d|4\d|9\d)(;\d+)*m")
    environment = {"TERM": "xterm-256color"}
    assert coloured.search(output_of(Verbosity.LIVE, _environ=environment))
    assert not coloured.search(output_of(Verbosity.LIVE, _environ=environment | {"NO_COLOR": "1"}))


# --- the verbosity, and stderr


class Terminal(io.StringIO):
    encoding = "UTF-8"

    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("stream", "term", "quiet", "verbose", "expected"),
    [
        (Terminal(), "xterm", False, False, Verbosity.LIVE),
        (Terminal(), "dumb", False, False, Verbosity.LINES),
        (Terminal(), "xterm", True, False, Verbosity.QUIET),
        (Terminal(), "xterm", False, True, Verbosity.EPOCHS),
        (io.StringIO(), "xterm", False, False, Verbosity.LINES),
        (io.StringIO(), "xterm", False, True, Verbosity.EPOCHS),
    ],
)
def test_verbosity(monkeypatch, stream, term, quiet, verbose, expected):
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", term)
    assert choose_verbosity(quiet, verbose) is expected


def test_show_progress_writes_to_stderr_only(capsys):
    with show_progress(20, None, Verbosity.LINES) as listener:
        study(listener)
    assert capsys.readouterr().out == ""


def test_quiet_says_nothing(capsys):
    with show_progress(20, None, Verbosity.QUIET) as listener:
        study(listener)
    assert capsys.readouterr() == ("", "")


def test_show_progress_does_not_count_trials_to_be_repeated(capsys):
    states = (TrialState.COMPLETE, TrialState.INTERRUPTED, TrialState.RUNNING)
    records = [record(number, 0.5, state) for number, state in enumerate(states)]
    with show_progress(20, None, Verbosity.LINES, records):
        pass
    assert "going on after 1/20" in capsys.readouterr().err


def test_show_progress_shows_what_is_left_of_the_time_limit(capsys):
    with show_progress(math.inf, 3600.0, Verbosity.LINES) as listener:
        listener.trial_started(started(0))
        listener.trial_ended(ended(started(0), TrialState.COMPLETE, 0.5))
    assert re.search(r"\[1 trial, (1:00:00|0:59:\d\d) left]", capsys.readouterr().err)


@pytest.mark.parametrize("forced", [False, True])
def test_show_progress_writes_lines_where_no_terminal_is_and_at_most_colours_them(monkeypatch, capsys, forced):
    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    if forced:
        monkeypatch.setenv("FORCE_COLOR", "1")
    with show_progress(20, None, Verbosity.LINES) as listener:
        study(listener)
    shown = capsys.readouterr().err
    assert ("\x1b" in shown) is forced
    lines = re.sub(r"\x1b\[[0-9;]*m", "", shown).splitlines()
    assert len(lines) == 7
    assert all(line.startswith("trial ") and "\x1b" not in line for line in lines)


def test_live_leaves_stdout_alone_and_keeps_stderr_off_the_view():
    stdout, stderr = sys.stdout, sys.stderr
    with live_listener(io.StringIO()).showing():
        assert sys.stdout is stdout
        assert sys.stderr is not stderr


# --- within an epoch


def test_where_there_is_no_live_view_a_line_breaks_a_minute_of_silence(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr("pipeline.report.progress.time.monotonic", lambda: now[0])

    def slowly(listener):
        listener.trial_started(started(0))
        for batch in range(6):
            now[0] += 25
            listener.progressed(started(0), BatchReport(0, batch * 100, 600, 1, 25.0 * batch, 4.0, 32))

    lines = output_of(Verbosity.LINES, slowly).splitlines()
    assert lines[1:] == [
        "trial  0  epoch 1/2  batch 200/600  128 images/s  left: epoch 1:40, trial 4:10",
        "trial  0  epoch 1/2  batch 500/600  128 images/s  left: epoch 0:25, trial 2:55",
    ]


def test_live_shows_batches_and_the_trials_that_fit():
    def slowly(listener):
        listener._time_limit = 3600.0
        listener.trial_started(started(3))
        listener.progressed(started(3), BatchReport(3, 50, 100, 1, 20.0, 4.0))

    view = last_view(output_of(Verbosity.LIVE, slowly, total=10_000))
    assert re.match(r" +about \d\d trials in all  0 complete", view[2])
    assert re.fullmatch(r"      batch 50/100 ━+╸━+ left: epoch 0:12, trial 0:38", view[4])
