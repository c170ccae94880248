"""Measures what ``--executor ray`` costs beside ``--executor local``, on one machine.

    python bench/ray_overhead.py [--keep]

First with tasks that train nothing: seconds to start and to end two workers, milliseconds of a task and of a report
with its answer. Then the same study of six trials with each: seconds from its first line to its last. Takes about 2
minutes; ``--keep`` writes bench/results/ray_overhead.json.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from machine import keep, machine

from pipeline.executors import EXECUTORS, Executor, Slots
from pipeline.study.trial import BatchReport, Decision, EpochReport, ReportCallback
from pipeline.training.worker import import_nothing

TUNE = "tune --data mnist5k --limit macs=2M --epochs 2 --trials 6 --workers 2 --search random --pruner none --seed 0"


@dataclass(frozen=True)
class Reports:
    """A task that reports so many epochs and trains nothing."""

    epochs: int
    number: int = 0

    def run(self, report: ReportCallback) -> None:
        for epoch in range(self.epochs):
            report(EpochReport(self.number, epoch + 1, {}, 0.0))


def answer(report: EpochReport | BatchReport) -> Decision:
    return Decision.CONTINUE


def seconds_of(executor: Executor, epochs: int) -> float:
    from ray_overhead import Reports  # a worker cannot import it from the main module

    began = time.perf_counter()
    executor.submit(Reports(epochs))
    while not (results := executor.wait(answer, 1.0)):
        pass
    assert results[0].error is None, results[0].error
    return time.perf_counter() - began


def measure_tasks(name: str) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        executor = EXECUTORS[name].start(Slots(2), Path(folder) / "log", import_nothing)
        seconds_of(executor, 0)
        started = time.perf_counter() - began
        task = sorted(seconds_of(executor, 0) for _ in range(51))[25]
        reports = seconds_of(executor, 1000)
        began = time.perf_counter()
        executor.close()
        ended = time.perf_counter() - began
    return {"start_s": started, "end_s": ended, "task_ms": 1e3 * task, "report_ms": reports - task}


def measure_study(name: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pipeline", *TUNE.split(), "--executor", name]
        began = time.perf_counter()
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", action="store_true", help="write bench/results/ray_overhead.json")
    arguments = parser.parse_args()
    print(machine())
    found = {}
    for name in ("local", "ray"):
        figures = measure_tasks(name) | {"study_s": measure_study(name)}
        found[name] = {key: round(value, 3) for key, value in figures.items()}
        print(name, found[name], flush=True)
    if arguments.keep:
        keep({"executors": found})


if __name__ == "__main__":
    main()
