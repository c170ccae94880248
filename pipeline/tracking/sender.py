"""The one thread that writes to MLflow, in order, so that training never waits for it."""

import itertools
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from typing import TypeVar

from mlflow.entities import Metric

from pipeline.console import warn
from pipeline.errors import TrackingError
from pipeline.tracking.client import short_reason
from pipeline.tracking.faults import failed_inside, may_pass

T = TypeVar("T")

_GATHER_SECONDS = 0.5
"""How long metrics wait for others. Sending ten epochs of a trial together costs 0.6 as much (measured, SQLite)."""

_PAUSES = (1, 2, 4, 8, 15)
"""Seconds between attempts, the last one again and again: a server may be away for hours of a study."""

_POLL_SECONDS = 0.2
"""How often a caller that waits looks whether the store still answers."""

_CALLER_SECONDS = 10.0
"""How long a caller waits for the attempt that it has asked for, where a server neither answers nor refuses."""


class _Batch:
    """Metrics that are sent together, by trial; ``full`` is set when no more can be added."""

    def __init__(self) -> None:
        self.metrics: dict[int, list[Metric]] = {}
        self.full = threading.Event()


class Sender:
    """Runs writes one after the other, and never raises into the study.

    A write waits for as long as the store does not answer, and all later ones wait behind it, until ``close``. A write
    that MLflow refuses is left out, and so is one at which the server itself fails each time although it ``answers``
    other requests: one whose own database restarts fails at all. ``problems`` lists what is missing at the end.
    """

    def __init__(
        self, store: str, log_metrics: Callable[[int, list[Metric]], None], answers: Callable[[], bool] = lambda: True
    ) -> None:
        self._store = store
        self._log_metrics, self._answers = log_metrics, answers
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="mlflow-sender")
        self._closing = threading.Event()
        self._wanted = threading.Event()  # somebody waits: the pause between two attempts ends
        self._failures = 0
        self._lock = threading.Lock()
        self._batch: _Batch | None = None
        self._refused: list[str] = []
        self._lost = ""
        self.away = ""
        """Why the store does not answer ("": it does, as far as is known)."""

    @property
    def problems(self) -> list[str]:
        """Everything that is missing in MLflow and why, one line each; empty when all went well."""
        first = [f"{self._store}: MLflow refused the {self._refused[0]}"] if self._refused else []
        more = f" (and {len(self._refused) - 1} more writes)" if len(self._refused) > 1 else ""
        return [line + more for line in first] + ([self._lost] if self._lost else [])

    def put(self, description: str, send: Callable[[], object], vital: bool = False) -> None:
        """Queues one write; messages name it by ``description``. ``send`` may run more than once.

        Without a ``vital`` one the others have no meaning: if it is refused they are left out.
        """
        self._end_batch()
        self._thread.submit(self._send, description, send, vital)

    def put_metrics(self, trial: int, metrics: list[Metric]) -> None:
        """Queues metrics of a trial. Those of half a second are sent together, unless another write comes between."""
        with self._lock:
            if self._batch is None:
                self._batch = _Batch()
                self._thread.submit(self._send_batch, self._batch)
            self._batch.metrics.setdefault(trial, []).extend(metrics)

    def call(self, send: Callable[[], T], attempts: int = 1) -> T:
        """Runs ``send`` after all queued writes, and returns its result.

        It raises what ``send`` raises; where that may pass it tries again, ``attempts`` times in all. TrackingError if
        all is left out by then, or if the store does not answer a queued write: one that was away already is asked once
        more, at once; one that was not is asked twice, since servers close connections that were idle.
        """
        self._end_batch()
        failures, until = self._failures + (0 if self.away else 1), time.monotonic() + _CALLER_SECONDS
        future = self._thread.submit(self._ask, send, attempts)
        self._wanted.set()
        while not wait([future], _POLL_SECONDS).done:
            tried = self._failures > failures or time.monotonic() > until
            if self.away and tried and future.cancel():
                raise TrackingError(f"{self._store}: MLflow does not answer ({self.away})")
        return future.result()

    def _ask(self, send: Callable[[], T], attempts: int) -> T:
        """Runs ``send``, and notes whether the store answers; not once all is left out, perhaps just before it."""
        if self._lost:
            raise TrackingError(self._lost)
        try:
            result = send()
        except Exception as error:
            if may_pass(error) and not failed_inside(error):
                self.away = short_reason(error)
            if attempts == 1 or not may_pass(error) or self._closing.wait(_PAUSES[0]):
                raise
            return self._ask(send, attempts - 1)
        self.away = ""
        return result

    def stop(self, why: str) -> None:
        """Leaves out all writes from now on."""
        self._lost = why

    def close(self) -> None:
        """Sends what is queued, with no more pauses between attempts, and ends the thread."""
        self._closing.set()
        self._wanted.set()
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

    def _send(self, description: str, send: Callable[[], object], vital: bool = False) -> None:
        own_faults = 0
        for attempt in itertools.count():
            last = (attempt > 0 or bool(self.away)) and self._closing.is_set()  # the caller of close() waits
            if self._lost:
                return
            try:
                send()
                self.away = ""
                return
            except Exception as error:
                own_fault = failed_inside(error) and self._answers()
                own_faults += own_fault
                if not may_pass(error) or last or own_faults > len(_PAUSES):
                    self._leave_out(description, error, vital, lost=last and may_pass(error) and not own_fault)
                    return
                self._note_away(error, tell=attempt == len(_PAUSES) - 1 and not own_faults)
            self._pause(_PAUSES[min(attempt, len(_PAUSES) - 1)])

    def _pause(self, seconds: float) -> None:
        """Waits before the next attempt, but for nothing while somebody waits for it."""
        if self._wanted.wait(seconds) and not self._closing.is_set():
            self._wanted.clear()

    def _note_away(self, error: Exception, tell: bool) -> None:
        self.away = short_reason(error)
        self._failures += 1
        if tell and not self._closing.is_set():
            warn(f"{self._store}: MLflow does not answer ({self.away}); training goes on, and its runs will follow")

    def _leave_out(self, description: str, error: Exception, vital: bool, lost: bool) -> None:
        """Notes what is missing: this write, or with ``lost`` or ``vital`` all that follows too."""
        reason = short_reason(error)
        if lost:
            missing = f"the {description} and everything after it are missing"
            self._lost = f"{self._store}: MLflow does not answer ({reason}); {missing}"
        elif vital:
            self._lost = f"{self._store}: MLflow refused the {description}: {reason}; everything is missing"
        else:
            self.away = ""
            self._refused.append(f"{description}: {reason}")
