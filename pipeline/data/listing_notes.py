"""Lists in messages: never longer than one line."""

from collections import Counter
from collections.abc import Sequence

from pipeline.errors import printable

_MAX_NAMED = 5
"""The most things that a message names."""


def name_some(names: Sequence[str], most: int = _MAX_NAMED) -> str:
    """The first names, and how many more there are.

    >>> name_some(["cat", "dog"]), name_some(list("abcdefg"))
    ('cat, dog', 'a, b, c, d, e and 2 more')
    """
    more = len(names) - most
    return ", ".join(map(printable, names[:most])) + (f" and {more:,} more" if more > 0 else "")


def count_endings(endings: Counter[str]) -> str:
    """How many files have each ending, the most frequent first.

    >>> count_endings(Counter({".txt": 1, ".heic": 12, "": 2}))
    '12 .heic, 2 without an ending, 1 .txt'
    """
    counts = [f"{count:,} {printable(ending) or 'without an ending'}" for ending, count in endings.most_common()]
    return name_some(counts)
