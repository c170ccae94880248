"""The life of a worker process: it is set up before anything heavy is imported, then runs one task after another."""

import gc
import os
import signal
import sys
import threading
import time
from multiprocessing import connection, parent_process
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from pipeline.executors.credentials import forget
from pipeline.executors.inline import run_task
from pipeline.executors.log import print_into
from pipeline.executors.task import Task, WarmUp
from pipeline.garbage import no_collections
from pipeline.signals import ENDING
from pipeline.study.trial import Began, Decision, EpochReport, Report

_PATIENCE = 0.005
"""The longest wait, in seconds, for the answer to a report from within an epoch. A parent that is not busy needs 0.2 ms
(measured)."""

PARENT_SIGNALS = (signal.SIGINT, *ENDING)
"""Signals that reach the whole process group. Only the parent reacts: it decides which workers to kill."""


def serve(pipe: "Connection[Any, Any]", environment: dict[str, str], warm_up: WarmUp | None, log: Path | None) -> None:
    """Runs tasks from ``pipe`` until it closes; sends back each report, then the task's result and the memory in use.

    ``warm_up`` is called at once, while the parent still prepares the first task. ``log`` receives everything that
    libraries print; without it they print to the terminal.
    """
    forget()
    del sys.argv[1:]  # multiprocessing has passed on those of the command, and an address may have a password in it
    os.environ.update(environment)
    for number in PARENT_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    if log is not None:
        print_into(log)
    try:
        _warm_up(warm_up)
        _log_event("ready")
        while True:
            _serve_task(pipe.recv(), pipe)
    except (EOFError, OSError):
        pass  # the parent is gone


def _warm_up(warm_up: WarmUp | None) -> None:
    """Calls ``warm_up``, and excludes the objects of the imported modules from garbage collection.

    Keras collects after each model, and scanning these objects takes 0.4 s each time (measured, 2 cores AMD EPYC).
    """
    with no_collections():
        try:
            if warm_up is not None:
                warm_up()
        except Exception as error:  # the first task will fail with the same error and report it
            print(f"warming up failed: {error}", file=sys.stderr)
        gc.freeze()


def _serve_task(task: Task[Any], pipe: "Connection[Any, Any]") -> None:
    reporter = Reporter(pipe)
    _log_event(f"begin {task.number}")
    reporter.report(Began(task.number))
    result = run_task(task, reporter.report)
    _log_event(f"end {task.number}")
    reporter.answer()  # it would be taken for the next task
    pipe.send((result, resident_bytes()))


class Reporter:
    """Sends the reports of one task through ``pipe``, and returns the parent's decisions.

    A task waits for the decision about an epoch. It does not wait for a parent that is busy while anything else is
    reported: then the answer counts as the one to a later report, and reports in between are dropped.
    """

    def __init__(self, pipe: "Connection[Any, Any]") -> None:
        self._pipe = pipe
        self._unanswered = False

    def report(self, report: Report) -> Decision:
        """The decision about the report; SystemExit if the parent is gone."""
        try:
            if isinstance(report, EpochReport):
                self.answer()
                return self._ask(report)
            late = Decision.CONTINUE
            if self._unanswered:
                if not self._pipe.poll():
                    return Decision.CONTINUE
                late = self.answer()
            return late if late is not Decision.CONTINUE else self._ask(report, _PATIENCE)
        except (EOFError, OSError):
            raise SystemExit from None  # the parent is gone: the task has not failed, and there is nobody to report to

    def answer(self) -> Decision:
        """Waits for the answer that is still to come; CONTINUE if there is none to wait for."""
        if not self._unanswered:
            return Decision.CONTINUE
        decision = Decision(self._pipe.recv())
        self._unanswered = False
        return decision

    def _ask(self, report: Report, patience: float | None = None) -> Decision:
        self._pipe.send(report)
        self._unanswered = True
        return self.answer() if self._pipe.poll(patience) else Decision.CONTINUE


def _log_event(event: str) -> None:
    print(f"{time.time():.3f} {event}", file=sys.stderr, flush=True)


def resident_bytes() -> int:
    """The RAM that this process uses now, without the pages of mapped files if the system counts them apart."""
    import psutil

    memory = psutil.Process().memory_info()
    return int(memory.rss - getattr(memory, "shared", 0))


def _exit_with_parent() -> None:
    """Ends this process when its parent ends: a killed parent closes nothing, and training would continue unseen."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
