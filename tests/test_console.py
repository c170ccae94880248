"""Where the output of commands goes, and how it looks there."""

import io
import sys

import pytest
from rich.table import Table

from pipeline.console import note, progress_bar, show, status, warn


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
    rows.add_row("[b]first[/b]", "word " * 20)
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


def test_notes_and_warnings_go_to_stderr(capsys):
    note("one", "two")
    warn("[x].png: broken")
    assert capsys.readouterr() == ("", "one\ntwo\nwarning: [x].png: broken\n")


@pytest.mark.parametrize("quiet", [False, True])
def test_neither_status_nor_bar_where_there_is_no_terminal(capsys, quiet):
    with status("working", quiet), progress_bar("reading", quiet) as progress:
        progress(1, 2)
    assert capsys.readouterr() == ("", "")


def test_neither_status_nor_bar_when_quiet(monkeypatch):
    terminal = open_terminal(monkeypatch)
    with status("working", quiet=True), progress_bar("reading", quiet=True) as progress:
        progress(1, 2)
    assert terminal.getvalue() == ""


def test_a_status_on_a_terminal(monkeypatch):
    terminal = open_terminal(monkeypatch)
    with status("working on [x].png"):
        pass
    assert "working on [x].png" in terminal.getvalue()


def test_a_bar_appears_with_the_first_progress(monkeypatch):
    terminal = open_terminal(monkeypatch)
    with progress_bar("reading [x]") as progress:
        assert "reading" not in terminal.getvalue()
        progress(3, 7)
    assert "reading [x]" in terminal.getvalue()
    assert "3/7" in terminal.getvalue()


def test_a_warning_stands_above_the_bar(monkeypatch):
    terminal = open_terminal(monkeypatch)
    with progress_bar("reading") as progress:
        progress(3, 7)
        warn("a broken image")
    assert "warning: a broken image\n" in terminal.getvalue()
