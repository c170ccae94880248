"""The one thread that writes to MLflow, in order, so that training never waits for it."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from mlflow.entities import Metric
from mlflow.exceptions import MlflowException

from pipeline.tracking.client import short_reason

T = TypeVar("T")

_GATHER_SECONDS = 0.5
"""How long metrics wait for others. Sending ten epochs of a trial together costs 0.6 as much (measured, SQLite)."""

_PAUSES = (1, 2, 4, 8, 15)
"""Seconds between attempts: a server may restart during a study."""

_TEMPORARY = {"INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED"}
"""MLflow's codes for errors that may pass; an unreachable server is an INTERNAL_ERROR."""


class _Batch:
    """Metrics that are sent together, by trial; ``full`` is set when no more can be added."""

    def __init__(self) -> None:
        self.metrics: dict[int, list[Metric]] = {}
        self.full = threading.Event()


class Sender:
    """Runs writes one after the other, and never raises into the study.

    A write that MLflow refuses is left out. When the store has not answered for half a minute, all later writes are
    left out. ``problems`` lists both.
    """

    def __init__(self, store: str, log_metrics: Callable[[int, list[Metric]], None]) -> None:
        self._store = store
        self._log_metrics = log_metrics
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="mlflow-sender")
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._batch: _Batch | None = None
        self._refused: list[str] = []
        self._lost = ""

    @property
    def problems(self) -> list[str]:
        """Everything that is missing in MLflow and why, one line each; empty when all went well."""
        first = [f"{self._store}: MLflow refused the {self._refused[0]}"] if self._refused else []
        more = f" (and {len(self._refused) - 1} more writes)" if len(self._refused) > 1 else ""
        return [line + more for line in first] + ([self._lost] if self._lost else [])

    def put(self, description: str, send: Callable[[], object]) -> None:
        """Queues one write; messages name it by ``description``. ``send`` may run more than once."""
        self._end_batch()
        self._thread.submit(self._send, description, send)

    def put_metrics(self, trial: int, metrics: list[Metric]) -> None:
        """Queues metrics of a trial. Those of half a second are sent together, unless another write comes between."""
        with self._lock:
            if self._batch is None:
                self._batch = _Batch()
                self._thread.submit(self._send_batch, self._batch)
            self._batch.metrics.setdefault(trial, []).extend(metrics)

    def call(self, send: Callable[[], T]) -> T:
        """Runs ``send`` once, after all queued writes, even if the store has stopped answering; returns its result."""
        self._end_batch()
        return self._thread.submit(send).result()

    def close(self) -> None:
        """Sends what is queued, with no more pauses between attempts, and ends the thread."""
        self._closing.set()
        self._end_batch()
        self._thread.shutdown()

    def _end_batch(self) -> None:
        with self._lock:
            if self._batch is not None:
                self._batch.full.set()
                self._batch = None

    def _send_batch(self, batch: _Batch) -> None:
        batch.full.wait(_GATHER_SECONDS)
        with self._lock:
            if self._batch is batch:
                self._batch = None
        for trial, metrics in batch.metrics.items():
            self._send(f"metrics of trial {trial}", partial(self._log_metrics, trial, metrics))

    def _send(self, description: str, send: Callable[[], object]) -> None:
        pauses = list(_PAUSES)
        while not self._lost:
            try:
                send()
                return
            except Exception as error:
                if not _is_temporary(error):
                    self._refused.append(f"{description}: {short_reason(error)}")
                    return
                if not pauses:
                    missing = f"the {description} and everything after it are missing"
                    self._lost = f"{self._store}: MLflow stopped answering ({short_reason(error)}); {missing}"
                    return
            if self._closing.wait(pauses.pop(0)):
                pauses.clear()  # one last attempt, since the caller of close() waits


def _is_temporary(error: Exception) -> bool:
    return isinstance(error, MlflowException) and error.error_code in _TEMPORARY
