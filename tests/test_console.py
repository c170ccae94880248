"""Where the output of commands goes, and how it looks there."""

import io
import re
import sys
import time

import pytest
from rich.table import Table
from rich.text import Text

from pipeline.cli import main
from pipeline.console import note, show, status, warn, warn_without
from pipeline.errors import StudyError


class Terminal(io.StringIO):
    def isatty(self):
        return True


def open_terminal(monkeypatch):
    """A terminal of 40 columns as stdout and stderr. Not a fixture: pytest sets its own streams after fixtures."""
    stream = Terminal()
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, stream)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "40")
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    return stream


def table():
    rows = Table(box=None, pad_edge=False, show_header=False)
    rows.add_row(Text("first", "bold"), "word " * 20)
    rows.add_row("2", "")
    return rows


def test_a_row_is_one_plain_line_where_there_is_no_terminal(capsys):
    show(table())
    assert capsys.readouterr() == ("first  " + "word " * 19 + "word\n2\n", "")


def test_a_row_is_wrapped_and_coloured_on_a_terminal(monkeypatch):
    terminal = open_terminal(monkeypatch)
    show(table())
    lines = terminal.getvalue().splitlines()
    assert len(lines) == 5
    assert lines[0].startswith("\x1b[1mfirst\x1b[0m  word")
    assert all(line == line.rstrip() for line in lines)


def test_brackets_and_colons_in_a_table_are_text(capsys):
    """A hyperparameter may be called so, and a class."""
    rows = Table(box=None, padding=(0, 1))
    rows.add_column("[/b]:b:")
    rows.add_row("units[a]")
    rows.add_row("units:cat:x")
    show(rows)
    assert [line.strip() for line in capsys.readouterr().out.splitlines()] == ["[/b]:b:", "units[a]", "units:cat:x"]


def test_notes_and_warnings_go_to_stderr(capsys):
    note("one", "two")
    warn("[x].png: broken")
    assert capsys.readouterr() == ("", "one\ntwo\nwarning: [x].png: broken\n")


def test_on_a_terminal_they_are_broken_between_words_but_not_within_a_command(monkeypatch):
    terminal = open_terminal(monkeypatch)
    note("1,797 pictures of 8x8: space quick at 8x8, about 20 full trainings")
    note("  indented, and longer than this line is wide")
    warn("no runs; later, `convtune sync mine --and --some --more` sends what is missing; [x] " + "y" * 50)
    assert terminal.getvalue().splitlines() == [
        "1,797 pictures of 8x8: space quick at",
        "8x8, about 20 full trainings",
        "  indented, and longer than this line is",
        "wide",
        "warning: no runs; later,",
        "`convtune sync mine --and --some --more`",
        "sends what is missing; [x]",
        "y" * 50,
    ]


@pytest.mark.parametrize(("quiet", "said"), [(False, "working on [x] ...\n"), (True, "")])
def test_where_there_is_no_terminal_only_what_is_slow_is_one_line(monkeypatch, capsys, quiet, said):
    with status("working", quiet) as progress:
        progress(1, 2)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr("pipeline.console._SLOW", 0.01)
    with status("working on [x]", quiet) as progress:
        time.sleep(0.2)
        progress(1, 2)
    assert capsys.readouterr() == ("", said)


def test_no_status_when_quiet(monkeypatch):
    terminal = open_terminal(monkeypatch)
    with status("working", quiet=True) as progress:
        progress(1, 2)
    assert terminal.getvalue() == ""


def test_a_status_on_a_terminal(monkeypatch):
    terminal = open_terminal(monkeypatch)
    with status("working on [x]:cat:.png"):
        pass
    assert "working on [x]:cat:.png" in terminal.getvalue()


def test_a_status_becomes_a_bar_with_the_first_progress(monkeypatch):
    terminal = open_terminal(monkeypatch)
    with status("reading [x]") as progress:
        assert "0/" not in terminal.getvalue()
        progress(3, 7)
    assert "reading [x] ━" in re.sub(r"\x1b\[[0-9;]*m", "", terminal.getvalue())
    assert "3/7" in terminal.getvalue()


def test_a_warning_stands_above_the_bar(monkeypatch):
    terminal = open_terminal(monkeypatch)
    with status("reading") as progress:
        progress(3, 7)
        warn("a broken image")
    assert "warning: a broken image\n" in terminal.getvalue()


def test_a_fault_of_what_nothing_depends_on_is_a_warning(capsys):
    with warn_without("plots"):
        raise ValueError("no such colour")
    with warn_without("report"):
        raise StudyError("test.json: damaged")
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["warning: no plots: ValueError: no such colour", "warning: no report: test.json: damaged"]
    with pytest.raises(KeyboardInterrupt), warn_without("plots"):
        raise KeyboardInterrupt


@pytest.mark.parametrize("terminal", [False, True])
def test_of_terminal_codes_in_a_table_only_its_own_colours_reach_the_terminal(monkeypatch, capsys, terminal):
    stream = open_terminal(monkeypatch) if terminal else None
    table = Table(box=None)
    table.add_column("a\x1b[2Jb", style="red")
    table.add_row("c\x1b]0;d\x07\u202e")
    table.add_row(Text("e\x1b[32mf"))
    show(table)
    shown = stream.getvalue() if stream else capsys.readouterr().out
    assert ("\x1b[31m" in shown) is terminal
    assert not {"\x07", "\u202e"} & {*shown}
    assert "\x1b[2J" not in shown
    assert "\x1b]" not in shown
    assert r"\x1b[2J" in shown
    assert "\x1b[32m" not in shown
    assert r"e\x1b[32mf" in shown


def test_terminal_codes_in_names_of_studies_do_not_reach_the_terminal(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "studies" / "a\x1b[31mb").mkdir(parents=True)
    (tmp_path / "studies" / "a\x1b[31mb" / "job.yaml").write_text("data: x\n")
    assert main(["trials", "mine"]) == 2
    assert main(["doctor"]) == 1
    warn("c\x1b[2Jd\x9b")
    said = capsys.readouterr()
    assert "studies here: a\\x1b[31mb" in said.err
    assert "warning: c\\x1b[2Jd\\x9b\n" in said.err
    assert not {"\x1b", "\x9b"} & {*said.err, *said.out}
