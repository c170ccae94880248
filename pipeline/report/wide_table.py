"""A table whose last column is long: where it does not fit beside the others, it goes on lines below them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

_GAP = 2
"""Spaces between columns."""

_ANY = 10_000
"""More than any table is wide."""


@dataclass(frozen=True)
class WideTable:
    """``columns`` are the cells of each short column by its name, from top to bottom; ``texts`` those of the last one.

    The columns named in ``words`` are aligned at the left, all others at the right. Where even the short columns are
    too wide together, the first of ``words`` is cut.
    """

    columns: Mapping[str, Sequence[Text]]
    last: str
    texts: Sequence[Text]
    words: Sequence[str] = ()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        short = self._table()
        room = options.max_width - console.measure(short, options=options.update(width=_ANY)).maximum
        if room < 0:
            short = self._table(cut=-room)
        if max((text.cell_len for text in self.texts), default=0) <= room:
            yield self._table(self.texts)
            return
        lines = console.render_lines(short, options, pad=False)
        for line, text in zip(lines, [Text(), *self.texts], strict=True):
            yield from line
            yield Text()
            if text:
                yield Padding(text, (0, 0, 0, 2 * _GAP))

    def _table(self, texts: Sequence[Text] = (), cut: int = 0) -> Table:
        table = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="bold")
        for name, cells in self.columns.items():
            widest = max(len(name), *(cell.cell_len for cell in cells))
            width = max(widest - cut, len(name)) if name in self.words[:1] and cut else None
            table.add_column(name, justify="left" if name in self.words else "right", no_wrap=True, width=width)
        if texts:
            table.add_column(self.last, no_wrap=True)
        for *cells, text in zip(*self.columns.values(), texts or self.texts, strict=True):
            table.add_row(*cells, *([text] if texts else []))
        return table
