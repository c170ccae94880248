"""Runs tasks in this process, one after another: for tests and for debugging."""

import os
import traceback
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any, TextIO

from pipeline.errors import ConvtuneError
from pipeline.executors.devices import environments
from pipeline.executors.log import open_log, output_to
from pipeline.executors.machine_fault import error_of
from pipeline.executors.task import ExecutorKind, Slots, Task, TaskResult, WarmUp
from pipeline.garbage import no_collections
from pipeline.study.trial import ReportCallback


def start(slots: Slots, log: Path | None, warm_up: WarmUp) -> "InlineExecutor":
    """An executor in this process, whose environment it sets up. It has one slot, whatever ``slots`` says."""
    os.environ |= environments(Slots())[0]
    if log is not None:  # only a process of its own can have TensorFlow print into a file
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    return InlineExecutor(log, warm_up)


class InlineExecutor:
    """An executor with one slot; its task runs inside ``wait``.

    ``log`` receives the tracebacks of tasks that fail, and what libraries print while ``warm_up`` runs before the
    first task. Without a log both go to the terminal. (TensorFlow 2.21 prints lines at its import that no setting
    silences.)
    """

    slots = 1

    def __init__(self, log: Path | None = None, warm_up: WarmUp | None = None) -> None:
        self._log = log
        self._warm_up = warm_up
        self._waiting: list[Task[Any]] = []

    @property
    def free(self) -> int:
        """1, or 0 while a task waits for its run."""
        return self.slots - len(self._waiting)

    def submit(self, task: Task[Any]) -> None:
        """Keeps the task for the next ``wait``."""
        self._waiting.append(task)

    def wait(self, report: ReportCallback, timeout: float | None = None) -> list[TaskResult]:
        """Runs the waiting task to its end, however long that takes."""
        if not self._waiting:
            return []
        with nullcontext(None) if self._log is None else open_log(self._log) as log:
            if log is not None and self._warm_up is not None:
                warm_up, self._warm_up = self._warm_up, None
                # with an exception the task will fail too, and report it
                with output_to(log), no_collections(), suppress(Exception):
                    warm_up()
            return [run_task(self._waiting.pop(0), report, log)]

    def drop(self, number: int) -> None:
        """Drops nothing: a task that has begun has this process for itself."""

    def close(self) -> None:
        """Drops a task that has not begun."""
        self._waiting.clear()


def run_task(task: Task[Any], report: ReportCallback, log: TextIO | None = None) -> TaskResult:
    """Runs a task in this process. An exception becomes the result's error, in a form that pickles.

    The traceback goes to ``log``, or to stderr without one; an error that the user can fix has none.
    """
    try:
        return TaskResult(task.number, task.run(report))
    except ConvtuneError as error:
        return TaskResult(task.number, error=error_of(error))
    except Exception as error:
        traceback.print_exc(file=log)
        return TaskResult(task.number, error=error_of(error))


INLINE = ExecutorKind("inline", "in this process", start, parallel=False, drops=False)
