"""Tables on stdout: coloured and wrapped on a terminal, one plain line a row elsewhere."""

import sys

from rich.console import Console, RenderableType

_UNBOUNDED = 10_000
"""Columns of what is no terminal: a row must stay one line for grep, and no file has an edge."""


def show(renderable: RenderableType) -> None:
    """Prints a table or text, without spaces at the ends of lines."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _UNBOUNDED)
    with console.capture() as captured:
        console.print(renderable)
    print("\n".join(line.rstrip() for line in captured.get().splitlines()))
