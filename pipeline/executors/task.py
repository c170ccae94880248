"""What an executor runs and what it gives back."""

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from pipeline.trial import Answer, Ask


class Task(Protocol):
    """A piece of work that pickles; what it needs is imported in ``run``, so that the sender need not have it."""

    @property
    def number(self) -> int:
        """What tells this task from the others that run beside it."""

    def run(self, ask: Ask) -> Any:
        """Does the work where it stands; ``ask`` may be called any number of times."""


@dataclass(frozen=True)
class Function:
    """A task of one function call. ``function`` is a callable, or ``module:name`` to be imported where it runs."""

    function: Callable[..., Any] | str
    args: tuple[Any, ...] = ()
    number: int = -1

    def run(self, ask: Ask) -> Any:
        """The function's own result; ``ask`` is not used."""
        return resolve(self.function)(*self.args)


@dataclass(frozen=True)
class Packed:
    """A task on its way to a worker: what goes wrong when it is unpacked there is the task's error."""

    number: int
    content: bytes

    @classmethod
    def of(cls, task: Task) -> "Packed":
        """The task, pickled."""
        return cls(task.number, pickle.dumps(task))

    def run(self, ask: Ask) -> Any:
        """Unpacks the task and runs it."""
        task: Task = pickle.loads(self.content)
        return task.run(ask)


@dataclass(frozen=True)
class Finished:
    """How a task ended: its value, or the error that ended it."""

    number: int
    value: Any = None
    error: Exception | None = None


class Executor(Protocol):
    """Runs tasks side by side on its slots."""

    @property
    def slots(self) -> int:
        """How many tasks run at once."""

    @property
    def free(self) -> int:
        """How many more can be submitted now."""

    def submit(self, task: Task) -> None:
        """Starts a task on a free slot."""

    def wait(self, decide: Ask, timeout: float | None = None) -> list[Finished]:
        """Answers reports by ``decide`` until tasks end or ``timeout`` seconds pass; the tasks that ended, or none."""

    def close(self) -> None:
        """Ends the workers at once; what still runs is lost."""


def resolve(function: Callable[..., Any] | str) -> Callable[..., Any]:
    """The callable that ``module:name`` names (imported here and now), or the callable itself."""
    if callable(function):
        return function
    from importlib import import_module

    module, _, name = function.partition(":")
    found: Callable[..., Any] = getattr(import_module(module), name)
    return found


def call(executor: Executor, function: Callable[..., Any] | str, *args: Any) -> Any:
    """Runs one function on a free slot and waits for its result; raises the error that ended it."""
    executor.submit(Function(function, args))
    finished: list[Finished] = []
    while not finished:
        finished = executor.wait(lambda report: Answer.GO)
    if finished[0].error is not None:
        raise finished[0].error
    return finished[0].value
