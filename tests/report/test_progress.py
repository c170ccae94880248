"""The progress view on consoles of every kind."""

import io
import math
import re
import sys
from types import SimpleNamespace

import pytest
from rich.console import Console

from pipeline.record import Record
from pipeline.report.picture import Standing
from pipeline.report.progress import Mode, Progress, mode, view
from pipeline.trial import Outcome, Report, State, Trial

CANDIDATE = SimpleNamespace(costs={"parameters": 1000, "macs": 2000})
SHOW_CURSOR, HIDE_CURSOR = "\x1b[?25h", "\x1b[?25l"


@pytest.fixture(autouse=True)
def _usual_terminal(monkeypatch):
    """What the tests are run from does not matter."""
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)


def trial(number, epochs=2):
    return Trial(number, {"family": "plain", "filters": 16, "learning_rate": 0.01}, 1, epochs)


def report(number, epoch, accuracy=0.5):
    return Report(number, epoch, {"loss": 0.25, "val_accuracy": accuracy}, float(epoch))


def study(progress):
    """Trial 0 completes, 1 is pruned, 2 fails, 3 still runs."""
    ends = [
        (State.COMPLETE, 0.75, ""),
        (State.PRUNED, 0.5, "pruned after epoch 1"),
        (State.FAILED, None, "killed by SIGKILL"),
    ]
    for number, (state, value, reason) in enumerate(ends):
        progress.began(trial(number), CANDIDATE)
        progress.reported(report(number, 1))
        progress.ended(Outcome(number, state, value, 1, 1.5, reason))
    progress.began(trial(3), CANDIDATE)
    progress.reported(report(3, 1))


def shown(how, act=study, total=20, records=(), infeasible=lambda: 0, width=80, **terminal):
    """What ``act`` leaves on a console."""
    file = io.StringIO()
    console = Console(file=file, force_terminal=how is Mode.LIVE, width=width, height=24, highlight=False, **terminal)
    ended = tuple(records)
    standing = Standing(total, ended, infeasible=infeasible(), earlier=len(ended))
    with Progress(console, how, standing, None, {"family"}, infeasible).shown() as progress:
        act(progress)
    return file.getvalue()


def last_picture(output):
    """The rows of the last picture, without colours."""
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", output.split("\x1b[2K")[-1]).replace("\r", "").rstrip("\n").split("\n")


# --- lines


def test_lines_are_one_for_a_beginning_and_one_for_an_end():
    lines = shown(Mode.LINES).splitlines()
    assert [line[:18] for line in lines] == [
        "trial  0  began   ",
        "trial  0  complete",
        "trial  1  began   ",
        "trial  1  pruned  ",
        "trial  2  began   ",
        "trial  2  failed  ",
        "trial  3  began   ",
    ]
    assert re.search(r"filters=16 lr=0\.01  \[1/20, \d+:\d\d left]$", lines[1])
    assert "killed by SIGKILL" in lines[5]


def test_lines_are_never_folded_or_coloured():
    output = shown(Mode.LINES, width=30)
    assert "\x1b" not in output
    assert len(output.splitlines()) == 7


ALL = " ".join(f"parameter{letter}={letter * 7}" for letter in "abcdefgh")
SOME = " ".join(ALL.split()[:4]) + " ..."


@pytest.mark.parametrize(("how", "values"), [(Mode.LINES, SOME), (Mode.EPOCHS, ALL)])
def test_values_that_are_many_are_cut_unless_verbose(how, values):
    many = dict(word.split("=") for word in ALL.split())

    def fail(progress):
        progress.began(Trial(0, many, 1, 2), CANDIDATE)
        progress.ended(Outcome(0, State.FAILED, reason="a reason " * 20))

    began, ended = shown(how, fail).splitlines()
    assert began == f"trial  0  began     {values}"
    assert ended.endswith(f"  {'a reason ' * 20}  {values}  [1/20]")


def test_epochs_have_lines_of_their_own_when_verbose():
    lines = [line for line in shown(Mode.EPOCHS).splitlines() if "epoch 1/2" in line]
    assert len(lines) == 4
    assert lines[0] == "trial  0  epoch 1/2  loss 0.25  val_accuracy 0.5"


def test_constants_are_not_shown():
    assert "family" not in shown(Mode.LINES) + shown(Mode.LIVE)


def test_a_resumed_study_says_what_there_is():
    records = [Record(0, {}, (), {}, 0, Outcome(0, State.COMPLETE, 0.5, 2, 1.0))]
    output = shown(Mode.LINES, lambda progress: None, records=records)
    assert output == "going on after 1/20: 1 complete  0 pruned  0 failed  0 infeasible proposals\n"


def test_reasons_are_shown_without_control_characters():
    def fail(progress):
        progress.began(trial(0), CANDIDATE)
        progress.ended(Outcome(0, State.FAILED, reason="the worker\n is [bold]down\x1b[31m\a"))

    _, ended = shown(Mode.LINES, fail).splitlines()
    assert "  the worker  is [bold]down [31m   filters=16" in ended


def test_an_unknown_total_is_shown_as_a_count():
    assert "  [1 trial]" in shown(Mode.LINES, total=math.inf)


# --- live


def test_live_prints_ended_trials_above_the_picture():
    output = last_picture(shown(Mode.LIVE))
    assert output[0] == ""
    assert output[1].startswith("trials ━━")
    assert "3/20" in output[1]
    assert output[2].strip() == "1 complete  1 pruned  1 failed  0 infeasible proposals"
    assert output[3] == "best   0.7500  trial 0  filters=16 lr=0.01"
    assert output[4] == "trial  3  epoch 1/2  0.5000  ▄   filters=16 lr=0.01"
    for line in ("trial  0  complete", "trial  1  pruned", "trial  2  failed"):
        assert shown(Mode.LIVE).count(line) == 1


def test_live_begins_with_the_trials_of_former_runs():
    records = [Record(0, {}, (), {}, 0, Outcome(0, State.COMPLETE, 0.5, 2, 1.0))]
    picture = last_picture(shown(Mode.LIVE, lambda progress: None, records=records, infeasible=lambda: 3))
    assert "1/20" in picture[1]
    assert "3 infeasible" in picture[2]
    assert "trial 0" in picture[3]


def test_infeasible_proposals_are_counted_anew_when_a_trial_begins():
    count = iter([0, 5])
    picture = last_picture(
        shown(Mode.LIVE, lambda progress: progress.began(trial(0), CANDIDATE), infeasible=lambda: next(count))
    )
    assert "5 infeasible proposals" in picture[2]


def test_live_gives_the_terminal_back_when_interrupted():
    def interrupted(progress):
        study(progress)
        progress.ended(Outcome(3, State.INTERRUPTED, 0.5, 1, 1.0, "interrupted"))
        raise KeyboardInterrupt

    file = io.StringIO()
    stdout, stderr = sys.stdout, sys.stderr
    progress = Progress(Console(file=file, force_terminal=True, width=80), Mode.LIVE, Standing(20))
    with pytest.raises(KeyboardInterrupt), progress.shown():
        interrupted(progress)
    assert file.getvalue().rindex(SHOW_CURSOR) > file.getvalue().rindex(HIDE_CURSOR)
    assert (sys.stdout, sys.stderr) == (stdout, stderr)
    assert "trial  3  interrupted" in file.getvalue()
    assert "3/20" in last_picture(file.getvalue().split(SHOW_CURSOR)[0])[1]


def test_live_survives_a_terminal_of_any_width():
    for width in (1, 5, 20, 200):
        assert shown(Mode.LIVE, width=width)


def test_a_folded_picture_is_wiped_when_the_terminal_becomes_narrower():
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=80, height=24)
    progress = Progress(console, Mode.LIVE, Standing(20))
    with progress.shown():
        progress.began(trial(0), CANDIDATE)
        progress._print("wide")
        console.width = 40
        before = len(file.getvalue())
        progress._print("narrow")
        first = file.getvalue()[before:].split("trials")[0]
    # four rows and the empty one, of which three have been folded once
    assert first.count("\x1b[2K") >= 4 + 3 - 1
    assert first.count("\x1b[1A") == first.count("\x1b[2K") - 1


def test_no_colours_when_the_user_wants_none():
    coloured = re.compile(r"\x1b\[(\d+;)*(3\d|4\d|9\d)(;\d+)*m")
    environment = {"TERM": "xterm-256color"}
    assert coloured.search(shown(Mode.LIVE, _environ=environment))
    assert not coloured.search(shown(Mode.LIVE, _environ=environment | {"NO_COLOR": "1"}))


# --- the mode and the view


class Terminal(io.StringIO):
    encoding = "UTF-8"

    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("stream", "term", "quiet", "verbose", "expected"),
    [
        (Terminal(), "xterm", False, False, Mode.LIVE),
        (Terminal(), "dumb", False, False, Mode.LINES),
        (Terminal(), "xterm", True, False, Mode.QUIET),
        (Terminal(), "xterm", False, True, Mode.EPOCHS),
        (io.StringIO(), "xterm", False, False, Mode.LINES),
        (io.StringIO(), "xterm", False, True, Mode.EPOCHS),
    ],
)
def test_mode(monkeypatch, stream, term, quiet, verbose, expected):
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", term)
    assert mode(quiet, verbose) is expected


def test_view_writes_to_stderr_only(capsys):
    with view(20, None, Mode.LINES, constants={"family"}) as progress:
        study(progress)
    assert capsys.readouterr().out == ""


def test_quiet_says_nothing(capsys):
    with view(20, None, Mode.QUIET) as progress:
        study(progress)
    assert capsys.readouterr() == ("", "")


def test_view_does_not_count_trials_to_be_repeated(capsys):
    states = (State.COMPLETE, State.INTERRUPTED, State.RUNNING)
    records = [Record(n, {}, (), {}, 0, Outcome(n, state, 0.5)) for n, state in enumerate(states)]
    with view(20, None, Mode.LINES, records):
        pass
    assert "going on after 1/20" in capsys.readouterr().err


def test_view_shows_what_is_left_of_the_time_limit(capsys):
    with view(math.inf, 3600.0, Mode.LINES) as progress:
        progress.began(trial(0), CANDIDATE)
        progress.ended(Outcome(0, State.COMPLETE, 0.5))
    assert re.search(r"\[1 trial, (1:00:00|59:\d\d) left]", capsys.readouterr().err)


def test_view_writes_plain_text_where_no_terminal_is(monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")
    with view(20, None, Mode.LINES) as progress:
        study(progress)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 7
    assert all(line.startswith("trial ") and "\x1b" not in line for line in lines)


def test_live_leaves_stdout_alone_and_keeps_stderr_off_the_picture():
    stdout, stderr = sys.stdout, sys.stderr
    progress = Progress(Console(file=io.StringIO(), force_terminal=True, width=80), Mode.LIVE, Standing(20))
    with progress.shown():
        assert sys.stdout is stdout
        assert sys.stderr is not stderr
