"""Shows a study while it runs: a live view on a terminal, plain lines elsewhere, nothing when quiet."""

import math
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum

from rich.console import Console, RenderableType
from rich.control import Control
from rich.live import Live
from rich.segment import ControlType, Segment, SegmentLines
from rich.text import Text

from pipeline.console import colours_forced
from pipeline.errors import printable
from pipeline.report.formatting import format_drawn, truncate
from pipeline.report.live_view import LiveView
from pipeline.report.study_progress import Ended, StudyProgress, time_left, trials_that_fit
from pipeline.report.trial_lines import (
    describe_batch,
    describe_counts,
    describe_end,
    describe_epoch,
    describe_fit,
    describe_start,
    format_share,
    format_time,
)
from pipeline.study.record import TrialRecord
from pipeline.study.trial import BatchReport, EpochReport, TrialState

_REFRESHES = 2
"""How often the live view is drawn per second: as often as workers report."""

_MARGIN = 3
"""Columns left free at the right: a terminal writes ``^C`` behind the last line, and must not fold it."""

_PARAMS_WIDTH = 80
"""Columns of a plain line that a trial's params may take; in a space such as ``googlenet`` they would take hundreds."""

_SILENCE = 60.0
"""Seconds without any line after which a line says how far a trial is within its epoch, where there is no live view."""

_STYLES = {TrialState.PRUNED: "dim", TrialState.FAILED: "red", TrialState.INTERRUPTED: "yellow"}


class Verbosity(StrEnum):
    """How much of a running study is shown.

    ``live``: a view that is drawn anew. ``lines``: one line when a trial begins, and one when it ends. ``epochs``:
    the same without shortened params, and one line per epoch. ``quiet``: nothing. ``silent``: nothing, and no summary
    when the study has ended.
    """

    LIVE = "live"
    LINES = "lines"
    EPOCHS = "epochs"
    QUIET = "quiet"
    SILENT = "silent"

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is shown of a running study."""
        return self in (Verbosity.QUIET, Verbosity.SILENT)


def choose_verbosity(quiet: bool, verbose: bool) -> Verbosity:
    """The verbosity that suits the flags and stderr.

    Verbose is never live, since what libraries print would run through the view.
    """
    if quiet:
        return Verbosity.QUIET
    if verbose:
        return Verbosity.EPOCHS
    utf8 = (sys.stderr.encoding or "").lower().replace("-", "") == "utf8"
    capable = os.environ.get("TERM", "dumb") not in ("dumb", "unknown", "")
    return Verbosity.LIVE if sys.stderr.isatty() and utf8 and capable else Verbosity.LINES


@contextmanager
def show_progress(
    total: float,
    time_limit: float | None,
    verbosity: Verbosity,
    records: Iterable[TrialRecord] = (),
    *,
    infeasible: Callable[[], int] = lambda: 0,
) -> Iterator["ProgressListener"]:
    """Shows a study of ``total`` trials (may be infinite) and at most ``time_limit`` seconds on stderr.

    ``records`` are the trials that there are already. ``infeasible`` counts the infeasible proposals so far; it is
    called in the caller's thread.
    """
    live, quiet = verbosity is Verbosity.LIVE, verbosity.is_quiet
    coloured = live or bool(colours_forced(sys.stderr))
    console = Console(stderr=True, force_terminal=coloured, force_jupyter=False, quiet=quiet, highlight=False)
    unfinished = (TrialState.RUNNING, TrialState.INTERRUPTED)
    ended = Ended.of(record for record in records if record.state not in unfinished)
    study = StudyProgress(total, ended, infeasible=infeasible(), earlier=len(ended))
    listener = ProgressListener(console, verbosity, study, time_limit, infeasible)
    with listener.showing():
        yield listener


class ProgressListener:
    """A listener of the study's loop that shows on ``console`` what happens to trials."""

    def __init__(
        self,
        console: Console,
        verbosity: Verbosity,
        study: StudyProgress,
        time_limit: float | None = None,
        infeasible: Callable[[], int] = lambda: 0,
    ) -> None:
        self._console, self._verbosity, self._study = console, verbosity, study
        self._time_limit, self._infeasible = time_limit, infeasible
        self._digits = len(str(int(study.total) - 1)) if math.isfinite(study.total) else 2
        self._start = time.monotonic()
        self._printed = self._start
        self._first_training: float | None = None
        self._drawn_width, self._line_widths = 0, list[int]()
        self._live: Live | None = None

    @contextmanager
    def showing(self) -> Iterator[None]:
        """Draws until the block ends, however it ends; the last view stays."""
        if self._verbosity is not Verbosity.LIVE:
            self._print_earlier()
            yield
            return
        with Live(
            console=self._console,
            get_renderable=self._draw,
            refresh_per_second=_REFRESHES,
            redirect_stdout=False,
        ) as self._live:
            yield
        self._live = None

    def trial_started(self, record: TrialRecord) -> None:
        """Shows that a trial is handed to a worker."""
        self._study = replace(self._study.with_started(record), infeasible=self._infeasible())
        if self._verbosity is not Verbosity.LIVE:
            self._print(self._shorten(describe_start(record, self._digits), record))

    def epoch_ended(self, record: TrialRecord, report: EpochReport) -> None:
        """Shows that a trial finished an epoch."""
        self._note_training(report)
        self._study = self._study.with_epoch(record, report)
        if self._verbosity is Verbosity.EPOCHS:
            self._print(describe_epoch(record, report, self._digits))

    def progressed(self, record: TrialRecord, report: BatchReport) -> None:
        """Shows how far a trial is within an epoch; where there is no live view, only after a minute without a line."""
        self._note_training(report)
        self._study = self._study.with_batch(report)
        if self._verbosity is not Verbosity.LIVE and time.monotonic() - self._printed >= _SILENCE:
            trial = next(trial for trial in self._study.running if trial.record.number == record.number)
            self._print(describe_batch(trial, self._digits))

    def _note_training(self, report: EpochReport | BatchReport) -> None:
        if self._first_training is None:
            self._first_training = time.monotonic() - report.seconds

    def trial_ended(self, record: TrialRecord) -> None:
        """Shows that a trial ended."""
        self._study = replace(self._study.with_ended(record), infeasible=self._infeasible())
        line = describe_end(record, self._digits)
        if self._verbosity is not Verbosity.LIVE:
            line = f"{self._shorten(line, record)}  [{self._describe_share()}]"
        self._print(line, _STYLES.get(record.state, ""))

    def _print_earlier(self) -> None:
        """A line that says what there is already, for a study that goes on."""
        if ended := len(self._study.ended):
            share = format_share(ended, max(ended, self._study.total))  # there may be more than are asked for now
            self._print(f"going on after {share}: {describe_counts(self._study)}")

    def _shorten(self, line: str, record: TrialRecord) -> str:
        """The line, which ends with the params, with as many of them as ``_PARAMS_WIDTH`` holds; all when verbose."""
        if self._verbosity is Verbosity.EPOCHS:
            return line
        params = format_drawn(record)
        return line.removesuffix(params) + truncate(Text(params), _PARAMS_WIDTH).plain.replace("…", "...")

    def _print(self, line: str, style: str = "") -> None:
        self._printed = time.monotonic()
        text = Text(printable(line), style)
        if self._live is None:
            self._console.print(text, soft_wrap=True)
            return
        if self._console.width != self._drawn_width:
            self._live.refresh()
        self._console.print(truncate(text, self._console.width))

    def _describe_share(self) -> str:
        left, fit = self._forecast()
        share = format_share(len(self._study.ended), self._study.total)
        parts = [share, f"{format_time(left)} left" if left else "", "" if fit is None else describe_fit(fit)]
        return ", ".join(filter(None, parts))

    def _forecast(self) -> tuple[float | None, int | None]:
        """The seconds left, and how many trials fit; each None where that cannot be told or does not matter."""
        now, study = time.monotonic(), self._study
        until = None if self._time_limit is None else self._time_limit - (now - self._start)
        trained = 0.0 if self._first_training is None else now - self._first_training
        return time_left(study.left, study.work, trained, until), trials_that_fit(study, trained, until)

    def _draw(self) -> RenderableType:
        """The view as lines. A thread of rich's calls this too, so it reads only what never changes in place."""
        width = self._console.width
        self._wipe_folded(width)
        self._drawn_width = width
        view = LiveView(self._study, time.monotonic() - self._start, *self._forecast())
        options = self._console.options.update(width=max(width - _MARGIN, 1))
        lines = self._console.render_lines(view, options, pad=False)
        self._line_widths = [Segment.get_line_length(line) for line in lines]
        return SegmentLines(lines, new_lines=True)

    def _wipe_folded(self, width: int) -> None:
        """Removes the rows that rich does not know of: a terminal made narrower has folded the last view."""
        rows = sum(max(math.ceil(cells / width), 1) - 1 for cells in self._line_widths)
        if rows:
            self._console.control(Control(*[(ControlType.ERASE_IN_LINE, 2), (ControlType.CURSOR_UP, 1)] * rows))
