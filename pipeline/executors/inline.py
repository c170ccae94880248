"""Runs tasks in this process, one after another: for tests, debugging, and any Python function as the objective."""

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from importlib import import_module
from pathlib import Path
from typing import TextIO

from pipeline.errors import ConvtuneError, WorkerError, first_line
from pipeline.executors.task import Finished, Task
from pipeline.trial import Ask


class Inline:
    """An executor of one slot; a task runs inside ``wait``.

    ``log`` takes the tracebacks of tasks that fail, and what libraries print while ``preload``, a module that brings
    them, is imported before the first task; without it that goes to the terminal. (TensorFlow 2.21 says some lines
    at its import that no setting silences.)
    """

    slots = 1

    def __init__(self, log: Path | None = None, preload: str = "") -> None:
        self._log, self._preload = log, preload
        self._waiting: list[Task] = []

    @property
    def free(self) -> int:
        """1, or 0 while a task waits for its run."""
        return self.slots - len(self._waiting)

    def submit(self, task: Task) -> None:
        """Keeps the task for the next ``wait``."""
        self._waiting.append(task)

    def wait(self, decide: Ask, timeout: float | None = None) -> list[Finished]:
        """Runs the waiting task to its end, whatever ``timeout`` says."""
        if not self._waiting:
            return []
        with nullcontext(None) if self._log is None else self._log.open("a", encoding="utf-8") as log:
            if log is not None and self._preload not in ("", *sys.modules):
                with _printed_into(log), suppress(Exception):  # the task fails with the same error and reports it
                    import_module(self._preload)
            return [run(self._waiting.pop(0), decide, log)]

    def close(self) -> None:
        """Forgets a task that has not begun."""
        self._waiting.clear()


@contextmanager
def _printed_into(log: TextIO) -> Iterator[None]:
    """What this process prints in the block goes to ``log``, from libraries in C++ too."""
    sys.stdout.flush()
    terminal = {stream: os.dup(stream) for stream in (1, 2)}
    try:
        for stream in terminal:
            os.dup2(log.fileno(), stream)
        yield
    finally:
        for stream, kept in terminal.items():
            os.dup2(kept, stream)
            os.close(kept)


def run(task: Task, ask: Ask, log: TextIO | None = None) -> Finished:
    """Runs a task here; whatever it raises becomes its error, in a form that pickles.

    The traceback goes to ``log``, else to stderr.
    """
    try:
        return Finished(task.number, task.run(ask))
    except ConvtuneError as error:
        return Finished(task.number, error=error)
    except Exception as error:
        traceback.print_exc(file=log)
        return Finished(task.number, error=WorkerError(first_line(error)))
