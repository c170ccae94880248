"""What a person sees while a study runs: a live view on a terminal, plain lines elsewhere, nothing when quiet."""

import math
import os
import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.control import Control
from rich.live import Live
from rich.segment import ControlType
from rich.text import Text

from pipeline.record import Record
from pipeline.report.picture import (
    Running,
    Standing,
    began_line,
    clock,
    counts,
    cut,
    deciding,
    ended_line,
    epoch_line,
    of,
    picture,
    time_left,
)
from pipeline.trial import Outcome, Report, State, Trial

if TYPE_CHECKING:
    from pipeline.search.candidate import Candidate

_REFRESHES = 4
"""Pictures a second."""
_MARGIN = 3
"""Columns left free at the right: a terminal writes ``^C`` behind the last line, and must not fold it."""
_VALUES = 80
"""Columns of a plain line that a trial's values may take; in a space such as ``googlenet`` they would take hundreds."""
_STYLES = {State.PRUNED: "dim", State.FAILED: "red", State.INTERRUPTED: "yellow"}


class Mode(StrEnum):
    """How much is shown: a live view, a line when a trial begins and ends, those uncut and one an epoch, or nothing."""

    LIVE = "live"
    LINES = "lines"
    EPOCHS = "epochs"
    QUIET = "quiet"


def mode(quiet: bool, verbose: bool) -> Mode:
    """What suits the flags and stderr. Verbose is never live: what libraries print would run through the picture."""
    if quiet:
        return Mode.QUIET
    if verbose:
        return Mode.EPOCHS
    utf8 = (sys.stderr.encoding or "").lower().replace("-", "") == "utf8"
    capable = os.environ.get("TERM", "dumb") not in ("dumb", "unknown", "")
    return Mode.LIVE if sys.stderr.isatty() and utf8 and capable else Mode.LINES


@contextmanager
def view(
    total: float,
    time_limit: float | None,
    mode: Mode,
    records: Iterable[Record] = (),
    *,
    constants: Collection[str] = (),
    infeasible: Callable[[], int] = lambda: 0,
) -> "Iterator[Progress]":
    """Shows a study of ``total`` trials (may be infinite) and at most ``time_limit`` seconds on stderr.

    ``records`` are the trials there are already, ``constants`` the names of values that do not vary, and
    ``infeasible`` counts the infeasible proposals so far; it is called in the caller's thread.
    """
    console = Console(stderr=True, force_terminal=mode is Mode.LIVE, quiet=mode is Mode.QUIET, highlight=False)
    ended = tuple(one for one in records if one.state not in (State.RUNNING, State.INTERRUPTED))
    standing = Standing(total, ended, infeasible=infeasible(), earlier=len(ended))
    with Progress(console, mode, standing, time_limit, constants, infeasible).shown() as progress:
        yield progress


class Progress:
    """A listener of the study's loop that shows what it hears on ``console``."""

    def __init__(
        self,
        console: Console,
        mode: Mode,
        standing: Standing,
        time_limit: float | None = None,
        constants: Collection[str] = (),
        infeasible: Callable[[], int] = lambda: 0,
    ) -> None:
        self._console, self._mode, self._standing, self._limit = console, mode, standing, time_limit
        self._constants, self._infeasible = constants, infeasible
        self._start = time.monotonic()
        self._first: float | None = None
        self._drawn: list[int] = []
        self._live: Live | None = None

    @contextmanager
    def shown(self) -> Iterator["Progress"]:
        """Draws until the block ends, however it ends; the last picture stays."""
        if self._mode is not Mode.LIVE:
            if self._standing.ended:
                done = len(self._standing.ended)
                place = of(done, max(done, self._standing.total))  # asked now for fewer than there are
                self._print(f"going on after {place}: {counts(self._standing)}")
            yield self
            return
        with Live(
            console=self._console,
            get_renderable=self._draw,
            refresh_per_second=_REFRESHES,
            redirect_stdout=False,
        ) as self._live:
            yield self
        self._live = None

    def began(self, trial: Trial, candidate: "Candidate") -> None:
        """A trial is handed to a worker."""
        varied = tuple(key for key in trial.values if key not in self._constants)
        outcome = Outcome(trial.number, State.RUNNING)
        record = Record(trial.number, trial.values, varied, candidate.costs, trial.seed, outcome)
        self._standing = replace(self._standing.began(Running(record, trial.epochs)), infeasible=self._infeasible())
        if self._mode is not Mode.LIVE:
            self._print(self._shortened(began_line(record, self._standing.digits), record))

    def reported(self, report: Report) -> None:
        """A trial finished an epoch."""
        if self._first is None:
            self._first = time.monotonic() - report.seconds
        self._standing = self._standing.reported(report)
        if self._mode is Mode.EPOCHS:
            epochs = self._standing.trial(report.number).epochs
            self._print(epoch_line(report, epochs, self._standing.digits))

    def ended(self, outcome: Outcome) -> None:
        """A trial ended."""
        record = replace(self._standing.trial(outcome.number).record, outcome=outcome)
        self._standing = replace(self._standing.closed(outcome), infeasible=self._infeasible())
        line = ended_line(record, self._standing.digits)
        if self._mode is not Mode.LIVE:
            line = f"{self._shortened(line, record)}  [{self._place()}]"
        self._print(line, _STYLES.get(outcome.state, ""))

    def _shortened(self, line: str, record: Record) -> str:
        """The line, which ends with the values, with only as many of them as ``_VALUES`` holds; all when verbose."""
        if self._mode is Mode.EPOCHS:
            return line
        values = deciding(record).rstrip()
        return line.removesuffix(values) + cut(Text(values), _VALUES).plain.replace("…", "...")

    def _print(self, line: str, style: str = "") -> None:
        text = Text(_printable(line), style)
        if self._live is None:
            self._console.print(text, soft_wrap=True)
            return
        self._live.refresh()
        self._console.print(cut(text, self._console.width))

    def _place(self) -> str:
        left = self._time_left()
        place = of(len(self._standing.ended), self._standing.total)
        return f"{place}, {clock(left)} left" if left else place

    def _time_left(self) -> float | None:
        now = time.monotonic()
        until = None if self._limit is None else self._limit - (now - self._start)
        worked = 0.0 if self._first is None else now - self._first
        return time_left(self._standing.left, self._standing.work, worked, until)

    def _draw(self) -> Group:
        """Called from a thread of rich's: reads the standing once, which is never changed in place."""
        width = self._console.width
        self._wipe_folded(width)
        lines = picture(self._standing, time.monotonic() - self._start, self._time_left(), width - _MARGIN)
        self._drawn = [line.cell_len for line in lines]
        return Group(*lines)

    def _wipe_folded(self, width: int) -> None:
        """A terminal made narrower has folded the last picture: removes the rows that rich does not know of."""
        rows = sum(max(math.ceil(cells / width), 1) - 1 for cells in self._drawn)
        if rows:
            self._console.control(Control(*[(ControlType.ERASE_IN_LINE, 2), (ControlType.CURSOR_UP, 1)] * rows))


def _printable(line: str) -> str:
    """The line without control characters: a reason may quote what a library or a file said."""
    return "".join(char if char.isprintable() else " " for char in line)
