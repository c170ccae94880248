"""The log of a study's tasks: what libraries print, and the tracebacks of tasks that failed.

It lies on the disk of the study. Where that is full, what is printed is lost, and the task goes on to say by itself
what it lacks: no task fails for want of a log.
"""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from pipeline.executors.machine_fault import is_refused


class _Lossy(io.FileIO):
    """A file that loses what cannot be written."""

    def write(self, data: Any, /) -> int:
        """Writes bytes, or loses them; returns how many are dealt with."""
        try:
            return super().write(data)
        except OSError:
            return len(data)


def open_log(log: Path) -> TextIO:
    """Opens the log, to be written from its end on; where the disk has no room even for the file, all is lost."""
    log.parent.mkdir(parents=True, exist_ok=True)
    try:
        return _text(_Lossy(log, "a"))
    except OSError as error:
        if not is_refused(error):
            raise
        return _text(_Lossy(os.devnull, "a"))


def append(log: Path, printed: bytes) -> str:
    """Adds to the log what was printed elsewhere; returns why that is lost, "" if it is not."""
    try:
        with log.open("ab") as file:
            file.write(printed)
    except OSError as error:
        return error.strerror or str(error)
    return ""


def print_into(log: Path) -> None:
    """Sends to ``log`` what this process prints from now on, C++ libraries included."""
    with open_log(log) as target:
        for stream in (1, 2):
            os.dup2(target.fileno(), stream)
    sys.stdout, sys.stderr = (_text(_Lossy(stream, "a", closefd=False)) for stream in (1, 2))


@contextmanager
def output_to(log: TextIO) -> Iterator[None]:
    """Sends to ``log`` what this process prints in the block, C++ libraries included."""
    sys.stdout.flush()
    terminal = {stream: os.dup(stream) for stream in (1, 2)}
    try:
        for stream in terminal:
            os.dup2(log.fileno(), stream)
        yield
    finally:
        for stream, duplicate in terminal.items():
            os.dup2(duplicate, stream)
            os.close(duplicate)


def _text(file: io.FileIO) -> TextIO:
    return io.TextIOWrapper(
        io.BufferedWriter(file), encoding="utf-8", errors="backslashreplace", line_buffering=True, newline=""
    )
