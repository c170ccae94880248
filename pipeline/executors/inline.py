"""Runs tasks in this process, one after another: for tests, debugging, and any Python function as the objective."""

from pipeline.errors import ConvtuneError, WorkerError, first_line
from pipeline.executors.task import Finished, Task
from pipeline.trial import Ask


class Inline:
    """An executor of one slot; a task runs inside ``wait``."""

    slots = 1

    def __init__(self) -> None:
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
        return [run(self._waiting.pop(0), decide)] if self._waiting else []

    def close(self) -> None:
        """Forgets a task that has not begun."""
        self._waiting.clear()


def run(task: Task, ask: Ask) -> Finished:
    """Runs a task here; whatever it raises becomes its error, in a form that pickles."""
    try:
        return Finished(task.number, task.run(ask))
    except ConvtuneError as error:
        return Finished(task.number, error=error)
    except Exception as error:
        import traceback

        traceback.print_exc()
        return Finished(task.number, error=WorkerError(first_line(error)))
