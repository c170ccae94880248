"""The one thread that writes to MLflow, in order, so that training never waits for it."""

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from mlflow.entities import Metric
from mlflow.exceptions import MlflowException

from pipeline.tracking.client import reason

T = TypeVar("T")

_GATHER_SECONDS = 0.5
"""How long metrics wait for others: with its ten epochs sent together a trial costs 0.6 as much (measured, SQLite)."""

_PAUSES = (1, 2, 4, 8, 15)
"""Seconds between attempts: a server may restart during a study."""

_PASSING = {"INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED"}
"""MLflow's codes for what may work later; an unreachable server is an INTERNAL_ERROR."""


@dataclass(frozen=True)
class _Write:
    what: str
    send: Callable[[], object]
    always: bool = False


@dataclass(frozen=True)
class _Metrics:
    trial: int
    metrics: list[Metric]


class Sender:
    """Runs what it is given, one after the other, and never raises into the study.

    A write that MLflow refuses is left out. When the store does not answer for half a minute, everything that follows
    is left out. ``troubles`` tells of both.
    """

    def __init__(self, store: str, log_metrics: Callable[[int, list[Metric]], None]) -> None:
        self._store, self._log_metrics = store, log_metrics
        self._queue: queue.SimpleQueue[_Write | _Metrics | None] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._refused: list[str] = []
        self._lost = ""
        self._thread = threading.Thread(target=self._work, name="mlflow-sender", daemon=True)
        self._thread.start()

    @property
    def troubles(self) -> list[str]:
        """What is missing in MLflow and why, one line each; empty when all went well."""
        first = [f"{self._store}: MLflow refused the {self._refused[0]}"] if self._refused else []
        more = f" (and {len(self._refused) - 1} more writes)" if len(self._refused) > 1 else ""
        return [line + more for line in first] + ([self._lost] if self._lost else [])

    def put(self, what: str, send: Callable[[], object]) -> None:
        """Queues one write; ``what`` it is, for a message. ``send`` may run more than once."""
        self._queue.put(_Write(what, send))

    def put_metrics(self, trial: int, metrics: list[Metric]) -> None:
        """Queues metrics of a trial; those of the same moment are sent together."""
        self._queue.put(_Metrics(trial, metrics))

    def call(self, send: Callable[[], T]) -> T:
        """Runs ``send`` once, after all that was queued, and returns or raises what it does."""
        answer: Future[T] = Future()
        self._queue.put(_Write("", partial(_settle, answer, send), always=True))
        return answer.result()

    def close(self) -> None:
        """Sends what is queued and ends the thread."""
        self._closing.set()
        self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (item := self._queue.get()) is not None:
            write = self._gather(item) if isinstance(item, _Metrics) else item
            if write is not None:
                self._send(write)

    def _gather(self, first: _Metrics) -> _Write | None:
        """Sends the metrics of this moment, one batch a trial; returns the write that came upon them, if any."""
        batches = {first.trial: list(first.metrics)}
        until, following = time.monotonic() + _GATHER_SECONDS, None
        while following is None and (item := self._next(until)) is not None:
            if isinstance(item, _Metrics):
                batches.setdefault(item.trial, []).extend(item.metrics)
            else:
                following = item
        for trial, metrics in batches.items():
            self._send(_Write(f"metrics of trial {trial}", partial(self._log_metrics, trial, metrics)))
        return following

    def _next(self, until: float) -> _Write | _Metrics | None:
        try:
            item = self._queue.get(timeout=max(0.0, until - time.monotonic()))
        except queue.Empty:
            return None
        if item is None:
            self._queue.put(None)  # the end: nothing comes after it
        return item

    def _send(self, write: _Write) -> None:
        if self._lost and not write.always:
            return
        pauses = iter(_PAUSES)
        while (fault := _attempt(write)) is not None:
            if not _passing(fault):
                self._refused.append(f"{write.what}: {reason(fault)}")
                return
            pause = next(pauses, None)
            if pause is None:
                missing = f"it lacks the {write.what} and all that followed"
                self._lost = f"{self._store}: MLflow stopped answering ({reason(fault)}); {missing}"
                return
            if self._closing.wait(pause):
                pauses = iter(())  # once more, and no longer: somebody waits


def _attempt(write: _Write) -> Exception | None:
    try:
        write.send()
    except Exception as error:
        return error
    return None


def _settle(answer: "Future[T]", send: Callable[[], T]) -> None:
    try:
        answer.set_result(send())
    except Exception as error:
        answer.set_exception(error)


def _passing(error: Exception) -> bool:
    return isinstance(error, MlflowException) and error.error_code in _PASSING
