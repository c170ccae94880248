"""How long a model takes."""

from itertools import count

import numpy as np
import pytest

from pipeline.training import measured_latency
from pipeline.training.measured_latency import Latency, measure_latency


@pytest.fixture
def clock(monkeypatch):
    """A clock that a test sets forward."""
    now = [0.0]
    monkeypatch.setattr(measured_latency.time, "perf_counter", lambda: now[0])
    return now


def measure(clock, durations, images=5):
    """The latencies of a model whose calls take these times, and the number of images of each call."""
    calls = []

    def predict(batch):
        calls.append(len(batch))
        clock[0] += next(durations)
        return np.full((len(batch), 2), 0.5)

    return measure_latency(predict, np.zeros((images, 8, 8, 1), np.uint8)), calls


def test_quick_calls_are_measured_a_hundred_times_after_a_warm_up(clock):
    latencies, calls = measure(clock, (0.0001 * number for number in count(-2)))
    assert calls == [1] * 103 + [32] * 103
    assert latencies[0] == Latency(1, pytest.approx(5.05), pytest.approx(9.505), 100)


def test_slow_calls_are_measured_ten_times(clock):
    latencies, calls = measure(clock, (3.0 for _ in count()))
    assert calls == [1] * 13 + [32] * 13
    assert latencies[1] == Latency(32, 3000.0, 3000.0, 10)


def test_time_is_limited(clock):
    latencies, _ = measure(clock, (0.1 for _ in count()))
    assert 20 <= latencies[0].calls <= 21
