"""Strategies that break things: bytes, texts word by word, plain values."""

import re
from typing import Any

from hypothesis import strategies as st

WORDS = [
    *("", "~", "null", "true", "no", "0", "-1", "1", "2", "3.5", "1e-4", "1e400", ".nan", ".inf", "-.inf", "9" * 25),
    *("9223372036854775807", "1_000", "0x10", "1e", "10m", "5 min", "16x16", "0x0", "''", '"', "'", "\\", "#", "---"),
    *("...", ":", ": ", "- ", "\n", "\n  ", "\t", ",", "[", "]", "{", "}", "[]", "{}", "[[]]", "|", ">", "?", "%"),
    *("&a", "*a", "<<: *a", "!!python/object/apply:os.system [id]", "!!binary aGk=", "!!set {a}", "!!int x", "@", "`"),
    *("int", "float", "choice", "per", "when", "log", "step", "family", "plain", "residual", "inception", "start_from"),
    *("limits", "macs", "parameters", "latency_ms", "blocks", "filters", "filters_1", "filters_1_2", "none", "max"),
    *("..", "/", "../../x", "a\x00b", "\ufeff", "\u202e", "é", "\x1b[31m", "x" * 300),
]
"""Pieces to put into texts: numbers at the edges, the syntax of YAML, words of ours, names that lead elsewhere."""

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 40),
    st.sampled_from([2**31, -(2**63), 2**63, 10**30, 0.5, -0.0, 1e-300, 1e308, float("nan"), float("inf")]),
    st.floats(allow_nan=True),
    st.sampled_from(WORDS),
    st.text(max_size=8),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=3),
    max_leaves=6,
)
"""Plain values, as JSON and YAML have them."""


class Sample(bytes):
    """The content of a valid file. It shows its length alone: hypothesis describes whatever it draws from."""

    def __repr__(self) -> str:
        return f"<{len(self)} bytes>"


@st.composite
def broken_bytes(draw: st.DrawFn, content: bytes, most: int = 6) -> bytes:
    """``content`` with one to ``most`` changes: bits, zeros, cuts, repetitions, the end missing."""
    data = bytearray(content)
    for _ in range(draw(st.integers(1, most))):
        where = draw(st.integers(0, max(len(data) - 1, 0)))
        how = draw(st.sampled_from(("flip", "set", "cut", "repeat", "truncate", "number")))
        length = draw(st.integers(1, 64))
        if how == "flip" and data:
            data[where] ^= 1 << draw(st.integers(0, 7))
        elif how == "set":
            data[where : where + length] = bytes([draw(st.sampled_from((0, 255, 127, 10)))]) * length
        elif how == "number":  # a length or an offset of a format, at its edges
            number = draw(st.sampled_from((0, 1, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1)))
            data[where : where + 4] = number.to_bytes(4, draw(st.sampled_from(("little", "big"))))
        elif how == "cut":
            del data[where : where + length]
        elif how == "repeat":
            data[where:where] = data[where : where + length]
        else:
            del data[where:]
    return bytes(data)


@st.composite
def broken_text(draw: st.DrawFn, content: str, most: int = 5) -> str:
    """``content`` with some of its words, lines and signs replaced, removed, doubled, swapped, or others put in."""
    parts = re.findall(r"\n *|[\w.+-]+|[^\w\n]", content)
    for _ in range(draw(st.integers(1, most))):
        where, other = (draw(st.integers(0, max(len(parts) - 1, 0))) for _ in range(2))
        how = draw(st.sampled_from(("replace", "put", "take", "remove", "double", "swap")))
        if how == "replace" and parts:
            parts[where] = draw(st.sampled_from(WORDS))
        elif how == "put":
            parts.insert(where, draw(st.sampled_from(WORDS)))
        elif how == "take" and parts:
            parts[where] = parts[other]
        elif how == "swap" and parts:
            parts[where], parts[other] = parts[other], parts[where]
        elif how == "double":
            parts[where:where] = parts[where : where + draw(st.integers(1, 8))]
        else:
            del parts[where : where + draw(st.integers(1, 8))]
    return "".join(parts)


@st.composite
def broken_value(draw: st.DrawFn, content: Any, most: int = 3) -> Any:
    """A plain value with some of its parts replaced or removed, at any depth."""
    for _ in range(draw(st.integers(1, most))):
        content = _break(draw, content)
    return content


def _break(draw: st.DrawFn, content: Any) -> Any:
    if isinstance(content, dict | list) and content and draw(st.integers(0, 4)):
        keys = list(content) if isinstance(content, dict) else list(range(len(content)))
        key = draw(st.sampled_from(keys))
        changed = content.copy()
        if draw(st.integers(0, 4)):
            changed[key] = _break(draw, content[key])
        else:
            del changed[key]
        return changed
    return draw(VALUES)
