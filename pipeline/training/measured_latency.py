"""How long a model takes in its own runtime on this machine. Runs in a worker, alone."""

import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pipeline.arrays import Images
from pipeline.training.runnable_model import Predict

BATCHES = (1, 32)
"""The numbers of images in a call that are measured."""

_WARM_UP_CALLS = 3
"""Calls before the measured ones; the first may compile."""

_CALLS = 100
"""The most calls that are measured."""

_FEWEST_CALLS = 10
"""The fewest calls that are measured, however long they take."""

_SECONDS = 2.0
"""After this long no more calls are measured, once there are ``_FEWEST_CALLS``."""


@dataclass(frozen=True)
class Latency:
    """Milliseconds of one call with ``batch`` images: the median and the 95th percentile of so many calls."""

    batch: int
    p50_ms: float
    p95_ms: float
    calls: int

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def measure_latency(predict: Predict, images: Images) -> list[Latency]:
    """The latency of each of ``BATCHES``, on ``images`` in memory, uint8 (n, height, width, channels), n at least 1.

    Reading and decoding of files is not in it. Three calls come before, then 100 are measured, or as many as 2 s hold
    but at least 10.
    """
    return [_measure(predict, images[np.arange(batch) % len(images)]) for batch in BATCHES]


def _measure(predict: Predict, images: Images) -> Latency:
    for _ in range(_WARM_UP_CALLS):
        predict(images)
    began, times = time.perf_counter(), list[float]()
    while len(times) < _FEWEST_CALLS or (len(times) < _CALLS and time.perf_counter() - began < _SECONDS):
        start = time.perf_counter()
        predict(images)
        times.append(time.perf_counter() - start)
    p50, p95 = (1000 * np.percentile(times, [50, 95])).tolist()
    return Latency(len(images), p50, p95, len(times))
