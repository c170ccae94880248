"""How fast this machine trains: measured once a day, and kept in the cache."""

import json
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from pipeline.console import status
from pipeline.data.cache import cache_key, cache_root
from pipeline.executors import Executor, Ready, call_all
from pipeline.executors.devices import count_cores
from pipeline.files import write_text
from pipeline.training.worker import MeasureThroughput, check_backend

_KEPT_FOR = 24 * 3600.0
"""Seconds after which the rate is measured again: what else a machine does changes."""


def machine_rate(executor: Executor, precision: str, quiet: bool, gpus: Sequence[str] = ()) -> float:
    """The multiply-accumulates of training per second that all workers reach together: cached, or measured.

    ``gpus`` are those of the job. Measuring takes about 4 s after the import of Keras. WorkerError if Keras cannot
    start.
    """
    file = cache_file(precision, executor.slots, gpus)
    rate = read(file)
    if rate is None:
        with status("measuring how fast this machine trains (once a day)", quiet):
            check_backend(executor)
            numbers = range(executor.slots)
            call_all(executor, [Ready(number) for number in numbers])
            rate = sum(call_all(executor, [MeasureThroughput(precision, number) for number in numbers]))
        keep(file, rate)
    return rate


def cache_file(precision: str, workers: int, gpus: Sequence[str] = ()) -> Path:
    """One file per machine, number of workers, GPUs that a job names, backend and setting that changes the rate."""
    settings = (os.environ.get(name, "") for name in ("KERAS_BACKEND", "CUDA_VISIBLE_DEVICES", "TF_ENABLE_ONEDNN_OPTS"))
    parts = (
        os.uname().nodename,
        count_cores(),
        version("keras"),
        version("tensorflow"),
        *settings,
        precision,
        workers,
        *gpus,
    )
    return cache_root() / "rates" / f"{cache_key(parts)}.json"


def read(file: Path) -> float | None:
    """A cached rate; None if there is none, or it is older than a day."""
    try:
        if time.time() - file.stat().st_mtime > _KEPT_FOR:
            return None
        rate = float(json.loads(file.read_text("utf-8"))["macs_per_second"])
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return rate if rate > 0 else None


def keep(file: Path, rate: float) -> None:
    """Caches a rate. Without a writable cache, the next study measures again; reading the dataset says so anyway."""
    with suppress(OSError):
        write_text(file, json.dumps({"macs_per_second": rate}))
