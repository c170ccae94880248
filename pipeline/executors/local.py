"""Runs tasks in worker processes on this machine.

Built on the standard library's ``multiprocessing``: one process and one pipe per slot. The existing pools do not fit:
in ``concurrent.futures`` and loky a dead worker breaks every pending task, and neither they nor Pebble offer a way to
answer a running task, which pruning needs, or a separate environment for each worker.
"""

import atexit
import multiprocessing
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import connection, resource_tracker
from multiprocessing.connection import Connection
from pathlib import Path
from types import ModuleType
from typing import Any

from pipeline.errors import MachineError
from pipeline.executors.devices import bind, environments, gpus, has_quota, share, usable_cores
from pipeline.executors.machine_fault import error_of_death
from pipeline.executors.task import ExecutorKind, PickledTask, Slots, Task, TaskResult, WarmUp
from pipeline.executors.worker import PARENT_SIGNALS, serve
from pipeline.study.trial import Decision, Report, ReportCallback

_MAX_GROWTH = 1 << 30
"""Bytes that a worker may grow after its first task; if it grows more, a new process replaces it."""


def start(slots: Slots, log: Path | None, warm_up: WarmUp, **environment: str) -> "LocalExecutor":
    """Worker processes that take the GPUs in turn; ``environment`` is set in each before it warms up."""
    return LocalExecutor([common | environment for common in environments(slots)], warm_up, log)


def start_one(log: Path | None, warm_up: WarmUp, **environment: str) -> "LocalExecutor":
    """One worker process, which has the first GPU."""
    return start(Slots(1, tuple(gpus()[:1])), log, warm_up, **environment)


class LocalExecutor:
    """One worker per slot. A worker serves many tasks, and its death costs only the task that it was running.

    The busy workers share the cores, so that one that is alone has all of them.
    """

    def __init__(
        self, environments: Sequence[dict[str, str]], warm_up: WarmUp | None = None, log: Path | None = None
    ) -> None:
        self._workers: list[_Worker] = []
        self._results: list[TaskResult] = []
        atexit.register(self.close)  # by itself, multiprocessing would send SIGTERM, which workers ignore, and wait
        try:
            for environment in environments:
                self._workers.append(_Worker(environment, warm_up, log))
        except BaseException:
            self.close()
            raise

    @property
    def slots(self) -> int:
        """The number of workers."""
        return len(self._workers)

    @property
    def free(self) -> int:
        """The number of workers without a task."""
        return sum(worker.number is None for worker in self._workers)

    @property
    def pids(self) -> list[int]:
        """The process id of each worker."""
        return [worker.process.pid or 0 for worker in self._workers]

    def submit(self, task: Task[Any]) -> None:
        """Sends the task to an idle worker. OSError if it needs a new process and the system refuses one."""
        next(worker for worker in self._workers if worker.number is None).send(task)
        self._share_cores()

    def wait(self, report: ReportCallback, timeout: float | None = None) -> list[TaskResult]:
        """See ``Executor.wait``. The error of a task whose worker died names the signal or the exit code."""
        busy = [worker for worker in self._workers if worker.number is not None]
        if busy:
            self._receive(busy, report, timeout)
        results, self._results = self._results, []
        if results:
            self._share_cores()
        return results

    def _receive(self, busy: Sequence["_Worker"], report: ReportCallback, timeout: float | None) -> None:
        """Takes one message of each worker that has one. If ``report`` raises, the results so far are not lost."""
        ready = connection.wait([worker.pipe for worker in busy], 0 if self._results else timeout)
        for worker in busy:
            if worker.pipe in ready and (result := worker.receive(report)) is not None:
                self._results.append(result)

    def _share_cores(self) -> None:
        """Divides the cores among the workers that have a task. With a quota of time, the system does."""
        busy = [worker for worker in self._workers if worker.number is not None]
        if len(self._workers) > 1 and not has_quota():
            for worker, cores in zip(busy, share(usable_cores(), len(busy)), strict=True):
                bind(worker.process.pid or 0, cores)

    def drop(self, number: int) -> None:
        """Replaces the worker that runs the task."""
        next(worker for worker in self._workers if worker.number == number).drop()
        self._share_cores()

    def close(self) -> None:
        """Kills the workers: everything worth keeping is already on disk."""
        for worker in self._workers:
            worker.kill()
        atexit.unregister(self.close)


class _Worker:
    """A worker process and the pipe to it; a new process replaces one that has died or grown too large.

    So it does one whose machine has failed it: a process that has lost its GPU, or its memory, does not get it back.
    Where the system refuses a new process, the next task asks for it again: no result is lost for want of one.

    ``number`` is the number of the task that it runs, None while it is idle.
    """

    def __init__(self, environment: dict[str, str], warm_up: WarmUp | None, log: Path | None) -> None:
        self._arguments = (environment, warm_up, log)
        self.number: int | None = None
        self._first_size = 0
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        pipe: Connection[Any, Any]
        pipe, other_end = context.Pipe()
        process = context.Process(target=serve, args=(other_end, *self._arguments), daemon=True)
        with other_end, _signals_blocked(), _without_main():
            process.start()
        self.pipe, self.process, self._first_size = pipe, process, 0

    def send(self, task: Task[Any]) -> None:
        """Starts the task in the worker."""
        pickled = PickledTask.of(task)
        try:
            self.pipe.send(pickled)
        except OSError:  # it died while it was idle, which costs no task, or could not be replaced
            self.kill()
            self._start()
            self.pipe.send(pickled)
        self.number = task.number

    def receive(self, report: ReportCallback) -> TaskResult | None:
        """Reads one message: answers a report; returns the result if the task, or the worker, has ended."""
        try:
            message = self.pipe.recv()
        except (EOFError, OSError):
            return self._result_of_death()
        if isinstance(message, Report):
            return self._answer(report(message))
        result: TaskResult
        result, size = message
        self.number = None
        self._first_size = self._first_size or size
        if size > self._first_size + _MAX_GROWTH or isinstance(result.error, MachineError):
            self._replace()
        return result

    def _answer(self, decision: Decision) -> TaskResult | None:
        try:
            self.pipe.send(decision)
        except OSError:
            return self._result_of_death()
        return None

    def _result_of_death(self) -> TaskResult:
        self.process.kill()  # it may only have closed its pipe
        self.process.join()
        assert self.number is not None
        result = TaskResult(self.number, error=error_of_death(self.process.exitcode))
        self.number = None
        self._replace()
        return result

    def drop(self) -> None:
        """Ends the task, by a new process."""
        self.number = None
        self._replace()

    def _replace(self) -> None:
        self.kill()
        with suppress(OSError):
            self._start()

    def kill(self) -> None:
        """Ends the process at once and closes the pipe; does no harm twice."""
        self.process.kill()
        self.process.join()
        self.pipe.close()


@contextmanager
def _signals_blocked() -> Iterator[None]:
    """Blocks the parent's signals, so that a process which starts in the block inherits that and never receives them.

    The parent itself receives them after the block.
    """
    resource_tracker.ensure_running()  # starting it inside would unblock the signals
    before = signal.pthread_sigmask(signal.SIG_BLOCK, PARENT_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _without_main() -> Iterator[None]:
    """Hides the program's main module, so that a process which starts in the block does not import it.

    Nothing that a worker is sent comes from there. If it did import it, a script that runs a study outside of an
    ``if __name__ == "__main__":`` would run another one in each worker, which multiprocessing refuses.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


LOCAL = ExecutorKind("local", "in worker processes", start)
