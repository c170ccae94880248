"""Output of the commands: results on stdout; warnings, status and progress bars on stderr."""

import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.segment import Segment

from pipeline.errors import ConvtuneError, first_line, printable

_UNBOUNDED = 10_000
"""The width of output that does not go to a terminal: grep and the like need each row on one line."""

_NOTEBOOK = 100
"""The width of output in a notebook, which folds longer lines anywhere."""

_SLOW = 1.0
"""Seconds after which something counts as slow."""

_HELD = "\ue000"
"""Stands for a space at which no line may be broken: a private-use character, which texts do not contain."""

_DESCRIPTION = TextColumn("{task.description}", markup=False)


def show(renderable: RenderableType, folded: bool = False) -> None:
    """Prints a table or text on stdout, without trailing spaces; it is shown as it is, without markup or emoji.

    On a terminal the output is coloured and wrapped, in a notebook wrapped; elsewhere it has one line per row, or is
    ``folded`` at 80 columns, and has colours if they are forced.
    """
    width = None if folded or sys.stdout.isatty() else _NOTEBOOK if Console().is_jupyter else _UNBOUNDED
    coloured = colours_forced(sys.stdout)
    console = Console(
        highlight=False, markup=False, emoji=False, width=width, force_terminal=coloured, force_jupyter=False
    )
    with console.capture() as captured:
        console.print(_Escaped(renderable))
    print("\n".join(line.rstrip() for line in captured.get().removesuffix("\n").split("\n")))


class _Escaped:
    """Escapes the terminal codes in a text, which may come from somebody else; our own colours are styles and stay."""

    def __init__(self, renderable: RenderableType) -> None:
        self._renderable = renderable

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for text, style, _ in console.render(self._renderable, options):
            yield Segment("\n".join(map(printable, text.split("\n"))), style)


def colours_forced(stream: TextIO) -> bool | None:
    """Whether what goes to ``stream`` is coloured, for ``rich``; None leaves it to rich, as for a terminal.

    What goes to a file or a pipe is coloured if FORCE_COLOR or CLICOLOR_FORCE is set, to something but 0, and NO_COLOR
    is not (https://force-color.org, https://bixense.com/clicolors, https://no-color.org).
    """
    if stream.isatty():
        return None
    forced = any(os.environ.get(name, "0") not in ("", "0") for name in ("FORCE_COLOR", "CLICOLOR_FORCE"))
    return forced and not os.environ.get("NO_COLOR")


def note(*lines: str) -> None:
    """Prints lines on stderr, fit for a terminal and broken between words there; a progress bar stays below them."""
    for line in map(printable, lines):
        print(_broken(line) if sys.stderr.isatty() else line, file=sys.stderr)


def _broken(line: str) -> str:
    """The line as a terminal shows it, which itself would break it within words.

    What stands in backticks, such as a command to copy, stays on one line: there the terminal may do so.
    """
    width = Console(stderr=True).width
    if cell_len(line) <= width:
        return line
    first, *words = re.sub("`[^`]*`", lambda command: command[0].replace(" ", _HELD), line).split(" ")
    rows = [first]
    for word in words:
        longer = f"{rows[-1]} {word}"
        rows[-1:] = [longer] if cell_len(longer) <= width or rows[-1].isspace() or not rows[-1] else [rows[-1], word]
    return "\n".join(rows).replace(_HELD, " ")


def warn(line: str) -> None:
    """Prints one warning on stderr; a progress bar stays below it."""
    note(f"warning: {line}")


@contextmanager
def warn_without(what: str) -> Iterator[None]:
    """An error in the block only causes a warning that there is no ``what``, and why: nothing else depends on it."""
    try:
        yield
    except Exception as error:
        warn(f"no {what}: {error if isinstance(error, ConvtuneError) else first_line(error)}")


@contextmanager
def status(description: str, quiet: bool = False) -> Iterator[Callable[[int, int], None]]:
    """Says on stderr what goes on while the block runs, unless ``quiet``.

    On a terminal a line moves until the block ends; it becomes a bar when the block calls the function that it is
    given, ``progress(done, total)``. Elsewhere one plain line is printed, and none for a block of less than a second.
    """
    if quiet or not sys.stderr.isatty():
        with _printed_when_slow(description, quiet):
            yield lambda done, total: None
        return
    with Progress(SpinnerColumn(), _DESCRIPTION, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(description, total=None)

        def progress(done: int, total: int) -> None:
            bar.columns = (_DESCRIPTION, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            bar.update(task, completed=done, total=total)

        yield progress


@contextmanager
def _printed_when_slow(description: str, quiet: bool) -> Iterator[None]:
    timer = threading.Timer(_SLOW, note, [f"{description} ..."])
    timer.daemon = True
    if not quiet:
        timer.start()
    try:
        yield
    finally:
        timer.cancel()
