"""The command line: parse, one call, print. Errors become one line and exit code 2 here."""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper
from typing import Any, NoReturn

from pipeline import __version__
from pipeline.errors import ConvtuneError, nearest

COMMANDS = ("tune", "trials", "export", "predict", "evaluate", "look", "spaces", "datasets", "ui")
"""Each is a module beside this one with ``HELP``, ``arguments(parser)`` and ``run(args)``."""

BAD_INPUT = 2
INTERRUPTED = 130


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without the usage."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Refuses what it does not know itself: left to the parser above, a command's flags would be out of sight."""
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            known = [flag for action in self._actions for flag in action.option_strings if flag.startswith("--")]
            hint = nearest(unknown[0].split("=")[0], known) if unknown[0].startswith("-") else ""
            self.error(f"unknown argument {unknown[0]!r}{hint}")
        return found, unknown

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"{self.prog}: {_one_line(message)}; see `{self.prog} --help`\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; its exit code: 0 done, 1 done without a result, 2 bad input, 130 interrupted."""
    args = _parser().parse_args(argv)
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as stderr: a file name may hold what cannot be encoded
    try:
        return int(import_module(f"{__name__}.{args.command}").run(args))
    except ConvtuneError as error:
        print(f"convtune: {_one_line(str(error))}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("convtune: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader, say `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:  # a full disk, a folder that is gone: nothing that a traceback would help to mend
        where = f"{error.filename}: " if error.filename else ""
        print(f"convtune: {_one_line(where + (error.strerror or str(error)))}", file=sys.stderr)
        return BAD_INPUT


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="convtune",
        description="Find the best convolutional network for your images.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"convtune {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in COMMANDS:
        module = import_module(f"{__name__}.{name}")
        module.arguments(commands.add_parser(name, help=module.HELP, description=module.HELP, allow_abbrev=False))
    return parser


def _one_line(text: str) -> str:
    return " ".join(text.split())
