"""Text of users in Markdown."""

import re

from pipeline.errors import printable


def escape(text: object) -> str:
    r"""The text on one line, without what Markdown would read as its own: markup, or the end of a table's cell.

    >>> print(escape("my_pets|2"))
    my\_pets\|2
    """
    return re.sub(r"([\\`*_{}\[\]<>|#])", r"\\\1", printable(text))
