import os

import pytest

from pipeline.errors import WorkerError
from pipeline.executors import TaskResult
from pipeline.steps import machine_rate as module
from pipeline.steps.machine_rate import machine_rate
from pipeline.training.worker import MeasureThroughput


class Measuring:
    """An executor whose workers measure what they are told to, and counts how often."""

    def __init__(self, rate, error=None, slots=1):
        self.rate, self.error, self.tasks = rate, error, []
        self.waiting, self.slots = [], slots

    @property
    def free(self):
        return self.slots - len(self.waiting)

    def submit(self, task):
        assert self.free
        self.tasks.append(task)
        self.waiting.append(task)

    def wait(self, report, timeout=None):
        task = self.waiting.pop()
        return [TaskResult(task.number, self.rate, self.error)]

    @property
    def measured(self):
        return sum(isinstance(task, MeasureThroughput) for task in self.tasks)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CONVTUNE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_it_is_measured_once_and_then_cached():
    executor = Measuring(2e9)
    assert [machine_rate(executor, "auto", quiet=True) for _ in range(3)] == [2e9] * 3
    assert executor.measured == 1


def test_workers_are_measured_side_by_side():
    executor = Measuring(2e9, slots=3)
    assert machine_rate(executor, "auto", quiet=True) == 6e9
    assert machine_rate(Measuring(1e9), "auto", quiet=True) == 1e9
    assert executor.measured == 3


def test_it_is_measured_anew_for_other_settings_and_after_a_day(cache, monkeypatch):
    executor = Measuring(2e9)
    machine_rate(executor, "auto", quiet=True)
    machine_rate(executor, "mixed_bfloat16", quiet=True)
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    machine_rate(executor, "auto", quiet=True)
    assert executor.measured == 3
    for file in (cache / "rates").iterdir():
        os.utime(file, (file.stat().st_atime, file.stat().st_mtime - 25 * 3600))
    machine_rate(executor, "auto", quiet=True)
    assert executor.measured == 4


@pytest.mark.parametrize("content", ["", "{}", '{"macs_per_second": null}', '{"macs_per_second": 0}', "[1]"])
def test_a_damaged_file_counts_as_none(cache, content):
    executor = Measuring(2e9)
    machine_rate(executor, "auto", quiet=True)
    next((cache / "rates").iterdir()).write_text(content)
    assert machine_rate(executor, "auto", quiet=True) == 2e9
    assert executor.measured == 2


def test_a_cache_that_cannot_be_written_only_costs_the_measurement(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CONVTUNE_CACHE", str(tmp_path / "file"))
    executor = Measuring(2e9)
    assert [machine_rate(executor, "auto", quiet=True) for _ in range(2)] == [2e9] * 2
    assert executor.measured == 2


def test_a_backend_that_does_not_start_is_an_error_of_one_line():
    with pytest.raises(WorkerError, match="KERAS_BACKEND"):
        machine_rate(Measuring(0, WorkerError("no such backend")), "auto", quiet=True)


def test_the_cache_has_a_place_of_its_own(cache):
    machine_rate(Measuring(1.0), "auto", quiet=True)
    assert module.cache_root() == cache
    assert [path.name for path in cache.iterdir()] == ["rates"]
