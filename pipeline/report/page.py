"""The report of a study as one HTML page that holds its plots and opens anywhere, offline and without scripts."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.explain.page import load_template


@dataclass(frozen=True)
class Plot:
    """A plot with its heading, a sentence that says how to read it, and its PNG file."""

    name: str
    title: str
    caption: str
    content: bytes

    @property
    def source(self) -> str:
        """The file as a ``data:`` URI."""
        return f"data:image/png;base64,{base64.b64encode(self.content).decode()}"

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, from the file's header (PNG specification, 11.2.1)."""
        return int.from_bytes(self.content[16:20]), int.from_bytes(self.content[20:24])


@dataclass(frozen=True)
class Table:
    """Rows of texts below their headings, and a note below.

    ``styles`` says how each column is set: ``left`` for words, ``text`` for what may wrap, "" for numbers.
    """

    headings: Sequence[str]
    styles: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


@dataclass(frozen=True)
class Page:
    """Everything that the page shows, ready for the template."""

    title: str
    running: str
    answer: Sequence[str]
    scores: Table
    commands: Sequence[tuple[str, str]]
    leaderboard: Table
    plots: Sequence[Plot]
    test: Sequence[Plot]
    confusions: Table
    explanation: Sequence[Plot]
    explanation_note: str
    trials: Table
    facts: Sequence[tuple[str, str]]
    files: Mapping[str, str]


def render_page(page: Page) -> str:
    """The page as HTML."""
    return load_template("pipeline.report").render(page=page)
