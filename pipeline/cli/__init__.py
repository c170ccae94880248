"""The command line: it parses, makes one call and prints. Here errors become one line and exit code 2."""

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from io import TextIOWrapper
from types import TracebackType
from typing import Any, NoReturn

from pipeline import __version__
from pipeline.cli.commands import COMMANDS, Command
from pipeline.cli.help import describe
from pipeline.errors import ConvtuneError, nearest, printable, without_password
from pipeline.garbage import no_collections

__all__ = ["COMMANDS", "Command", "main"]

EXAMPLES = ("convtune tune --data photos", "convtune tune --help")
"""The first commands of a new user."""

BAD_INPUT = 2
"""The exit code for invalid input."""

INTERRUPTED = 130
"""The exit code after Ctrl-C, as shells have it."""


class _Parser(argparse.ArgumentParser):
    """Reports an error in one line, without the usage."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Refuses unknown flags itself: left to the parser above, they would be compared with that parser's flags."""
        parsed, unknown = super().parse_known_args(args, namespace)
        if unknown:
            flags = [flag for action in self._actions for flag in action.option_strings if flag.startswith("--")]
            hint = nearest(unknown[0].split("=")[0], flags) if unknown[0].startswith("-") else ""
            self.error(f"unknown argument {unknown[0]!r}{hint}")
        return parsed, unknown

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Refuses a value that is not among the choices with the nearest one, as all other errors do.

        None stands for a flag that was not given.
        """
        if action.choices is not None and value is not None and value not in action.choices:
            names = [str(choice) for choice in action.choices]
            hint = nearest(str(value), names)
            raise argparse.ArgumentError(action, f"expected one of {', '.join(names)}{hint}, got {value!r}")

    def error(self, message: str) -> NoReturn:
        """Ends the process with one line that begins with the flag or the argument at fault."""
        line = _one_line(message.removeprefix("argument "))
        self.exit(BAD_INPUT, f"{self.prog}: {line}; see `{self.prog} --help`\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code: 0 done, 1 done in part or without a result, 2 bad input, 130."""
    sys.excepthook = _show_bug
    parser = build_parser()
    args = parser.parse_args(argv)
    if args.command is None:
        parser.print_help()
        return BAD_INPUT  # as git and argparse: a script that forgets the command must not go on
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as stderr: the name of a file may not be encodable
    try:
        with nullcontext() if args.command == "tune" else no_collections():  # a study may take days
            return COMMANDS[args.command].run(args)
    except ConvtuneError as error:
        return _refuse(str(error))
    except KeyboardInterrupt:
        print("convtune: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader, such as `head`, has closed the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:  # a full disk, a folder that is gone: a traceback would not help
        where = f"{error.filename}: " if error.filename else ""
        return _refuse(where + (error.strerror or str(error)))


def _show_bug(kind: type[BaseException], error: BaseException, where: TracebackType | None) -> None:
    """Prints a traceback as Python does, without passwords: libraries repeat addresses of servers in their errors."""
    import traceback  # imported late: hardly ever needed

    lines = "".join(traceback.format_exception(kind, error, where)).splitlines()
    print(*map(without_password, lines), sep="\n", file=sys.stderr)


def _refuse(reason: str) -> int:
    print(f"convtune: {_one_line(reason)}", file=sys.stderr)
    return BAD_INPUT


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands. It is among the arguments that it gives, for the command that prints its words."""
    parser = _Parser(prog="convtune", **describe("Find the best convolutional network for your images.", EXAMPLES))
    parser.add_argument("--version", action="version", version=f"convtune {__version__}")
    parser.set_defaults(parser=parser)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name, command in COMMANDS.items():
        command.arguments(commands.add_parser(name, help=command.HELP, **describe(command.HELP, command.EXAMPLES)))
    return parser


def _one_line(text: str) -> str:
    """Without line breaks and terminal codes, which names of files and folders may hold."""
    return printable(" ".join(text.split()))
