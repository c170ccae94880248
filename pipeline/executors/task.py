"""Tasks, their results, and the executors that run them."""

import pickle
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from pipeline.study.trial import BatchReport, Decision, Report, ReportCallback

_TURN = 0.1
"""Seconds between the calls of ``meanwhile``."""

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

Progress = Callable[[int, int], None]
"""Is called with how many steps are done, and how many there are."""

WarmUp = Callable[[], None]
"""Imports what the tasks will need, ahead of the first one. It must pickle: a function at the top of a module."""


class Task(Protocol[T_co]):
    """A piece of work that pickles. ``run`` imports what the work needs, so the sender does not need it."""

    @property
    def number(self) -> int:
        """Tells the task from others that run beside it: a trial's number, or -1 for a task that runs alone."""

    def run(self, report: ReportCallback) -> T_co:
        """Does the work in the process that calls it; it may call ``report`` any number of times."""


@dataclass(frozen=True)
class PickledTask:
    """A task on its way to a worker. An error while it is unpacked there counts as an error of the task."""

    number: int
    content: bytes

    @classmethod
    def of(cls, task: Task[Any]) -> "PickledTask":
        """The task, pickled."""
        return cls(task.number, pickle.dumps(task))

    def run(self, report: ReportCallback) -> Any:
        """Unpacks the task and runs it."""
        task: Task[Any] = pickle.loads(self.content)
        return task.run(report)


@dataclass(frozen=True)
class TaskResult:
    """How a task ended: the value that it returned, or the error that ended it."""

    number: int
    value: Any = None
    error: Exception | None = None


class Executor(Protocol):
    """Runs tasks side by side on its slots."""

    @property
    def slots(self) -> int:
        """How many tasks it can run at once."""

    @property
    def free(self) -> int:
        """How many more tasks can be submitted now."""

    def submit(self, task: Task[Any]) -> None:
        """Starts a task on the first free slot."""

    def wait(self, report: ReportCallback, timeout: float | None = None) -> list[TaskResult]:
        """Passes the tasks' reports to ``report`` and its decisions back, until a task ends or for ``timeout`` seconds.

        Where a task has to wait for its worker, the first report is ``Began``.

        Returns the results of the tasks that have ended. The list may be empty before the time is up: call it again.
        """

    def drop(self, number: int) -> None:
        """Ends a running task at once, where the executor can; its result is lost."""

    def close(self) -> None:
        """Ends the workers at once. The results of running tasks are lost."""


@dataclass(frozen=True)
class Slots:
    """The workers that an executor is to start; they take the ``gpus`` in turn, at most ``per_gpu`` of them on one.

    GPUs are named as ``CUDA_VISIBLE_DEVICES`` names them; without any, workers train on the CPU. ``hides_gpus`` keeps
    those away that a backend would find by itself. On a cluster, at ``address`` ("": one of its own), the nodes have
    the GPUs; with ``follows`` there are as many workers as it has room for at the moment, and ``workers`` at most.
    """

    workers: int = 1
    gpus: tuple[str, ...] = ()
    per_gpu: int = 1
    hides_gpus: bool = False
    address: str = ""
    follows: bool = False


@dataclass(frozen=True)
class ExecutorKind:
    """One way to run tasks.

    ``start(slots, log, warm_up)`` starts an executor: ``log`` is the file for what libraries print (None: the
    terminal), and ``warm_up`` is called by each worker before its first task. ``parallel`` says whether it can have
    more than one worker, ``drops`` whether it can end a task that does not end by itself, ``on_cluster`` whether its
    workers may be on other machines.
    """

    name: str
    help: str
    start: Callable[[Slots, Path | None, WarmUp], Executor]
    parallel: bool = True
    drops: bool = True
    on_cluster: bool = False


@dataclass(frozen=True)
class Ready:
    """The task of doing nothing: when it is done, the worker has warmed up."""

    number: int = -1

    def run(self, report: ReportCallback) -> None:
        """Does nothing."""


class Watched:
    """An executor that also passes the batches of its tasks to ``progress(done, total)``."""

    def __init__(self, executor: Executor, progress: Progress) -> None:
        self._executor, self._progress = executor, progress

    @property
    def slots(self) -> int:
        """See ``Executor``."""
        return self._executor.slots

    @property
    def free(self) -> int:
        """See ``Executor``."""
        return self._executor.free

    def submit(self, task: Task[Any]) -> None:
        """See ``Executor``."""
        self._executor.submit(task)

    def wait(self, report: ReportCallback, timeout: float | None = None) -> list[TaskResult]:
        """See ``Executor``."""

        def watch(made: Report) -> Decision:
            if isinstance(made, BatchReport) and made.batches is not None:
                self._progress(made.batch, made.batches)
            return report(made)

        return self._executor.wait(watch, timeout)

    def drop(self, number: int) -> None:
        """See ``Executor``."""
        self._executor.drop(number)

    def close(self) -> None:
        """See ``Executor``."""
        self._executor.close()


def progress_of(task: Task[Any], report: ReportCallback) -> Progress:
    """The function that a task without epochs calls after each of its steps."""

    def progress(done: int, total: int) -> None:
        report(BatchReport(task.number, done, total))

    return progress


def call(
    executor: Executor,
    task: Task[T],
    progress: Progress = lambda done, total: None,
    meanwhile: Callable[[], None] | None = None,
) -> T:
    """Runs one task on an executor that has no other, and returns its value; raises the error that ended it.

    ``progress(done, total)`` is called with the task's reports, if it makes any; ``meanwhile`` is called ten times a
    second until the task has ended.
    """
    return call_all(Watched(executor, progress), [task], meanwhile)[0]


def call_all(executor: Executor, tasks: Sequence[Task[T]], meanwhile: Callable[[], None] | None = None) -> list[T]:
    """Runs tasks side by side, at most one per slot of an idle executor; returns their values in the same order.

    Their numbers must differ. Raises the error of the first one that fails. See ``call``.
    """
    for task in tasks:
        executor.submit(task)
    values: dict[int, T] = {}
    while len(values) < len(tasks):
        for result in executor.wait(lambda report: Decision.CONTINUE, None if meanwhile is None else _TURN):
            if result.error is not None:
                raise result.error
            values[result.number] = result.value
        if meanwhile is not None and len(values) < len(tasks):  # what it raises must not lose values that are there
            meanwhile()
    return [values[task.number] for task in tasks]


def start_all(
    executor: Executor, tasks: Sequence[Task[Any]], progress: Progress = lambda done, total: None
) -> Iterator[TaskResult]:
    """Starts tasks side by side on an idle executor, in their order as slots get free; yields each result in its time.

    Their numbers must differ. It returns at once, and workers go on while the caller deals with a result.
    ``progress(done, total)`` is called with the reports of the last task.
    """
    waiting = list(tasks)

    def decide(report: Report) -> Decision:
        if isinstance(report, BatchReport) and report.batches is not None and report.number == tasks[-1].number:
            progress(report.batch, report.batches)
        return Decision.CONTINUE

    def fill() -> None:
        while waiting and executor.free:
            executor.submit(waiting.pop(0))

    def results() -> Iterator[TaskResult]:
        left = len(tasks)
        while left:
            ended = executor.wait(decide)
            fill()
            left -= len(ended)
            yield from ended

    fill()
    return results()
