"""``convtune doctor``: checks what usually goes wrong, and says what to do."""

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from pipeline.doctor import Finding

from pipeline.cli.help import tell_exit_code

HELP = "check Python, packages, GPUs, memory, disk, MLflow, storage and studies"

EXAMPLES = ("convtune doctor",)

_WIDTHS = (7, 8)
"""Characters of the columns with the level and the subject: each check has a table of its own."""

_STYLES = {"OK": "green", "note": "yellow", "problem": "bold red"}


def arguments(parser: argparse.ArgumentParser) -> None:
    """There are none but the meaning of the exit code."""
    tell_exit_code(parser, "there is a problem")


def run(args: argparse.Namespace) -> int:
    """Makes one check after the other, and prints a line for each finding as soon as it is there."""
    from pipeline.console import show, status

    with status("starting"):
        from pipeline.doctor import CHECKS, Level  # a second, for Optuna

    found = set()
    for subject, check in CHECKS.items():
        findings = check()
        found |= {finding.level for finding in findings}
        show(_table(subject, findings))
    return int(Level.PROBLEM in found)


def _table(subject: str, findings: "list[Finding]") -> "Table":
    from rich.table import Table
    from rich.text import Text

    from pipeline.errors import printable

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    for width in _WIDTHS:
        table.add_column(width=width)
    for finding in findings:
        table.add_row(Text(finding.level.value, _STYLES[finding.level.value]), subject, Text(printable(finding)))
    return table
