"""Where trials run: a table of executors behind one small interface."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from pipeline.errors import ConvtuneError, WorkerError
from pipeline.executors.devices import environments, gpus
from pipeline.executors.inline import Inline
from pipeline.executors.local import Local
from pipeline.executors.task import Executor, Finished, Function, Task, call

__all__ = ["EXECUTORS", "Executor", "Finished", "Function", "Inline", "Local", "Task", "call", "check", "worker"]

_PRELOAD = "pipeline.training.fit"


def _local(workers: int, log: Path | None, **environment: str) -> Executor:
    return Local([common | environment for common in environments(workers, gpus())], _PRELOAD, log)


def _inline(workers: int, log: Path | None) -> Executor:
    os.environ |= environments(1, [])[0]
    if log is not None:  # only a process of its own can have TensorFlow print into a file
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    return Inline(log, _PRELOAD)


EXECUTORS: Mapping[str, Callable[[int, Path | None], Executor]] = {"local": _local, "inline": _inline}


def worker(log: Path | None, **environment: str) -> Executor:
    """One local worker process with Keras, for the work around a study: reading, exporting, predicting.

    ``environment`` are variables that it sets before it imports Keras.
    """
    return _local(1, log, **environment)


def check(executor: Executor) -> None:
    """WorkerError unless Keras starts with its backend on a free slot: every trial would fail with the same error."""
    try:
        call(executor, "pipeline.training.precision:device")
    except ConvtuneError as error:
        asked = os.environ.get("KERAS_BACKEND")
        setting = f"KERAS_BACKEND={asked}" if asked else "KERAS_BACKEND is not set"
        raise WorkerError(
            f"{setting}: Keras cannot start with this backend ({error}); install it, or set tensorflow, jax or torch"
        ) from None
