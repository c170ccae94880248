"""The table of commands. A command is a module of this package that offers what ``Command`` says."""

import argparse
from collections.abc import Mapping, Sequence
from typing import Protocol

from pipeline.cli import (
    completion,
    datasets,
    evaluate,
    explain,
    export,
    init,
    predict,
    promote,
    report,
    spaces,
    trials,
    tune,
    ui,
)


class Command(Protocol):
    """A module of this package: one command."""

    HELP: str
    """One line for the list of commands."""

    @property
    def EXAMPLES(self) -> Sequence[str]:
        """One or two lines to type, the most useful first; the help of the command ends with them."""

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Adds the arguments of the command."""

    def run(self, args: argparse.Namespace) -> int:
        """Runs the command and returns its exit code."""


COMMANDS: Mapping[str, Command] = {
    "tune": tune,
    "init": init,
    "trials": trials,
    "report": report,
    "export": export,
    "predict": predict,
    "evaluate": evaluate,
    "explain": explain,
    "promote": promote,
    "spaces": spaces,
    "datasets": datasets,
    "ui": ui,
    "completion": completion,
}
"""The commands in the order of the help. Their modules import what they need when they run."""
