"""Where trials run: a table of executors behind one small interface."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from pipeline.executors.devices import environments, gpus
from pipeline.executors.inline import Inline
from pipeline.executors.local import Local
from pipeline.executors.task import Executor, Finished, Function, Task, call

__all__ = ["EXECUTORS", "Executor", "Finished", "Function", "Inline", "Local", "Task", "call", "worker"]

PRELOAD = "pipeline.training.fit"


def _local(workers: int, log: Path | None) -> Executor:
    return Local(environments(workers, gpus()), PRELOAD, log)


def _inline(workers: int, log: Path | None) -> Executor:
    os.environ |= environments(1, [])[0]
    return Inline()


EXECUTORS: Mapping[str, Callable[[int, Path | None], Executor]] = {"local": _local, "inline": _inline}


def worker(log: Path | None) -> Executor:
    """One local worker process with Keras, for the work around a study: reading, exporting, predicting."""
    return _local(1, log)
