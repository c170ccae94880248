"""``labels.txt``: the names of the classes in the order of a model's outputs, for programs that read no metadata."""

import re
from collections.abc import Sequence
from pathlib import Path

from pipeline.files import write_text

LABELS = "labels.txt"
"""The name of the file beside exported models."""

_NOT_IN_A_LINE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""Control characters, everything that ends a line, and bytes of a folder's name that are not UTF-8."""


def write_labels(folder: Path, classes: Sequence[str]) -> Path:
    """Writes one name per line, UTF-8, so that line number i (from 0) names output i. Returns the file."""
    file = folder / LABELS
    write_text(file, "".join(f"{as_line(name)}\n" for name in classes))
    return file


def as_line(name: str) -> str:
    r"""The name on one line: a character that a line cannot hold becomes its Python escape.

    >>> as_line("café au lait"), as_line("two\nlines")
    ('café au lait', 'two\\nlines')
    """
    return _NOT_IN_A_LINE.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), name)
