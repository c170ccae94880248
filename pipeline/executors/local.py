"""Runs tasks in worker processes of this machine.

Built on the standard library's ``multiprocessing``: one process and one pipe a slot. The pools on top of it do not
serve here: a dead worker breaks every pending task of ``concurrent.futures`` and loky, and none of them (Pebble
included) has a way back to a running task, which pruning needs, or gives each worker an environment of its own.
"""

import atexit
import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import connection, resource_tracker
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from pipeline.errors import WorkerError
from pipeline.executors.task import Finished, Packed, Task
from pipeline.executors.worker import FOR_THE_PARENT, serve
from pipeline.trial import Answer, Ask, Report

_GROWTH = 1 << 30
"""Bytes a worker may grow beyond its size after the first task before a new one takes its place."""


class Local:
    """One worker a slot; a worker serves many tasks, and its death costs the task it had."""

    def __init__(self, environments: Sequence[dict[str, str]], preload: str = "", log: Path | None = None) -> None:
        self._slots: list[_Slot] = []
        atexit.register(self.close)  # multiprocessing would send SIGTERM, which workers ignore, and wait
        for environment in environments:
            self._slots.append(_Slot(environment, preload, log))

    @property
    def slots(self) -> int:
        """How many workers there are."""
        return len(self._slots)

    @property
    def free(self) -> int:
        """How many workers have no task."""
        return sum(slot.number is None for slot in self._slots)

    @property
    def pids(self) -> list[int]:
        """The process of each worker."""
        return [slot.process.pid or 0 for slot in self._slots]

    def submit(self, task: Task) -> None:
        """Sends the task to an idle worker."""
        next(slot for slot in self._slots if slot.number is None).send(task)

    def wait(self, decide: Ask, timeout: float | None = None) -> list[Finished]:
        """See ``Executor.wait``; a worker that died gives a ``WorkerError`` that names the signal or exit code."""
        busy = [slot for slot in self._slots if slot.number is not None]
        if not busy:
            return []
        ready = connection.wait([slot.pipe for slot in busy], timeout)
        return [done for slot in busy if slot.pipe in ready and (done := slot.receive(decide)) is not None]

    def close(self) -> None:
        """Kills the workers: they hold nothing that is not on disk already."""
        for slot in self._slots:
            slot.end()
        atexit.unregister(self.close)


class _Slot:
    """One place for a worker, and the worker that is in it now."""

    def __init__(self, environment: dict[str, str], preload: str, log: Path | None) -> None:
        self._arguments = (environment, preload, log)
        self.number: int | None = None
        self._first_size = 0
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe: Connection[Any, Any]
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, *self._arguments), daemon=True)
        with _deaf():
            self.process.start()
        theirs.close()
        self._first_size = 0

    def send(self, task: Task) -> None:
        packed = Packed.of(task)
        try:
            self.pipe.send(packed)
        except OSError:  # it died while idle: nobody's task
            self._replace()
            self.pipe.send(packed)
        self.number = task.number

    def receive(self, decide: Ask) -> Finished | None:
        """Reads one message: a report is answered; the end of the task, or of the worker, is returned."""
        try:
            message = self.pipe.recv()
        except (EOFError, OSError):
            return self._died()
        if isinstance(message, Report):
            return self._answer(decide(message))
        finished: Finished
        finished, size = message
        self.number = None
        self._first_size = self._first_size or size
        if size > self._first_size + _GROWTH:
            self._replace()
        return finished

    def _answer(self, answer: Answer) -> Finished | None:
        try:
            self.pipe.send(answer)
        except OSError:
            return self._died()
        return None

    def _died(self) -> Finished:
        self.process.kill()  # it may only have closed its pipe
        self.process.join()
        assert self.number is not None
        finished = Finished(self.number, error=WorkerError(f"worker died: {_cause(self.process.exitcode)}"))
        self.number = None
        self._replace()
        return finished

    def _replace(self) -> None:
        self.end()
        self._start()

    def end(self) -> None:
        self.process.kill()
        self.process.join()
        self.pipe.close()


@contextmanager
def _deaf() -> Iterator[None]:
    """Keeps the parent's signals from a process started inside, even before its first line; here they come after."""
    resource_tracker.ensure_running()  # its own start would end the block
    before = signal.pthread_sigmask(signal.SIG_BLOCK, FOR_THE_PARENT)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _cause(exitcode: int | None) -> str:
    if exitcode is None or exitcode >= 0:
        return f"exit code {exitcode}"
    hint = ", perhaps out of memory" if -exitcode == signal.SIGKILL else ""
    return f"signal {-exitcode} ({signal.Signals(-exitcode).name}{hint})"
