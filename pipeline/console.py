"""Output of the commands: results on stdout; warnings, status and progress bars on stderr."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_UNBOUNDED = 10_000
"""The width of output that does not go to a terminal: grep and the like need each row on one line."""


def show(renderable: RenderableType) -> None:
    """Prints a table or text on stdout, without trailing spaces.

    On a terminal the output is coloured and wrapped; elsewhere it has no colours and one line per row.
    """
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _UNBOUNDED)
    with console.capture() as captured:
        console.print(renderable)
    print("\n".join(line.rstrip() for line in captured.get().splitlines()))


def note(*lines: str) -> None:
    """Prints lines on stderr; a progress bar stays below them."""
    print(*lines, sep="\n", file=sys.stderr)


def warn(line: str) -> None:
    """Prints one warning on stderr; a progress bar stays below it."""
    note(f"warning: {line}")


@contextmanager
def status(description: str, quiet: bool = False) -> Iterator[None]:
    """Shows ``description`` on stderr while the block runs; only on a terminal, and not if ``quiet``."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield
        return
    with console.status(escape(description)):
        yield


@contextmanager
def progress_bar(description: str, quiet: bool = False) -> Iterator[Callable[[int, int], None]]:
    """Gives the block a function ``progress(done, total)`` that draws a bar on stderr.

    The bar appears at the first call and disappears after the block. There is none if ``quiet``, or if stderr is not a
    terminal.
    """
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    hidden = quiet or not sys.stderr.isatty()
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=hidden) as bar:
        task = bar.add_task(escape(description), visible=False, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total, visible=True)
