"""The table of commands. A command is a module of this package that offers what ``Command`` says."""

import argparse
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Protocol, cast


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


_NAMES = (
    "tune",
    "init",
    "studies",
    "trials",
    "report",
    "export",
    "predict",
    "evaluate",
    "explain",
    "promote",
    "sync",
    "delete",
    "spaces",
    "datasets",
    "ui",
    "doctor",
    "completion",
)
"""The commands in the order of the help, each by the name of its module."""

COMMANDS: Mapping[str, Command] = {name: cast(Command, import_module(f"pipeline.cli.{name}")) for name in _NAMES}
"""The commands by name. Their modules import what they need when they run."""
