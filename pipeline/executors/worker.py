"""The life of a worker process: set up before anything heavy is imported, then one task after another."""

import os
import signal
import sys
import threading
import time
from importlib import import_module
from multiprocessing import connection, parent_process
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from pipeline.executors.inline import run
from pipeline.executors.task import Task
from pipeline.signals import ENDING
from pipeline.trial import Answer, Report

FOR_THE_PARENT = (signal.SIGINT, *ENDING)
"""Signals that reach the whole group: the parent decides what ends, and kills outright."""


def serve(pipe: "Connection[Any, Any]", environment: dict[str, str], preload: str, log: Path | None) -> None:
    """Takes tasks from ``pipe`` until it closes; sends back each report, then what came of the task and its memory.

    ``preload`` names a module to import at once, while the parent still prepares the first task. ``log`` takes
    everything that libraries print; without it they print to the terminal.
    """
    os.environ.update(environment)
    for number in FOR_THE_PARENT:
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_follow_parent, daemon=True).start()
    if log is not None:
        _redirect(log)
    try:
        _preload(preload)
        _note("ready")
        while True:
            _do(pipe.recv(), pipe)
    except (EOFError, OSError):
        pass  # the parent is gone


def _preload(module: str) -> None:
    try:
        if module:
            import_module(module)
    except Exception as error:  # the task that needs it fails with the same error and reports it
        print(f"preload of {module} failed: {error}", file=sys.stderr)


def _do(task: Task, pipe: "Connection[Any, Any]") -> None:
    def ask(report: Report) -> Answer:
        try:
            pipe.send(report)
            return Answer(pipe.recv())
        except (EOFError, OSError):
            raise SystemExit from None  # the parent is gone: not the task's fault, and nobody is left to tell

    _note(f"begin {task.number}")
    finished = run(task, ask)
    _note(f"end {task.number}")
    pipe.send((finished, resident_bytes()))


def _note(what: str) -> None:
    print(f"{time.time():.3f} {what}", file=sys.stderr, flush=True)


def resident_bytes() -> int:
    """The memory of this process that is in RAM now, without the pages of files it has mapped where that is known."""
    import psutil

    memory = psutil.Process().memory_info()
    return int(memory.rss - getattr(memory, "shared", 0))


def _follow_parent() -> None:
    """Ends this process with its parent: one killed outright says no goodbye, and training would go on unseen."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _redirect(log: Path) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for stream in (1, 2):
        os.dup2(target, stream)
    os.close(target)
