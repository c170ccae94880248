"""The help of a command: it ends with examples, and says where more is written."""

import argparse
import textwrap
from collections.abc import Sequence
from typing import Any

WIDTH = 78
"""The longest line of a description and of an example: with its indentation it fits a terminal of 80 columns."""

_MORE = "more: README.md (tasks), docs/ (families of networks, plans, measurements)"


def describe(description: str, examples: Sequence[str]) -> dict[str, Any]:
    """The settings of a parser with this description, whose help ends with the examples, one line each."""
    lines = "\n".join(f"  {example}" for example in examples)
    return {
        "description": textwrap.fill(description, WIDTH),
        "epilog": f"examples:\n{lines}\n\n{_MORE}",
        "formatter_class": argparse.RawDescriptionHelpFormatter,
        "allow_abbrev": False,
    }


def tell_exit_code(parser: argparse.ArgumentParser, one: str) -> None:
    """Has the help say what the exit code 1 of this command means: ``one``, the rest of a sentence."""
    parser.epilog = f"exit code: 0 done, 1 {one}, 2 bad input\n\n{parser.epilog or ''}"
