"""Measures what many workers cost the parent process: its processor time, and how long a report waits for its answer.

    python bench/parent_load.py [--workers 64] [--seconds 120] [--epoch 10] [--epochs 12] [--keep]

The loop, the storage, the study's files, the tracker on an SQLite store of MLflow and the live view are those of a
study; the workers are simulated in the parent: each reports every second, after each ``--epoch`` seconds an epoch, else
its batches, and has a trial of so many epochs. Measured from when all have begun, for ``--seconds``. A report waits
from the moment when it is due until its answer. Aims: less than 30 % of a core, and no report waits over 200 ms.
``--keep`` writes bench/results/parent_load.json.
"""

import argparse
import cProfile
import heapq
import io
import logging
import os
import pstats
import random
import tempfile
import time
import warnings
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import optuna
from machine import keep, machine
from rich.console import Console
from study_cost import pretended_score

from pipeline import space as spaces
from pipeline.candidate import Candidate, judge
from pipeline.data import load
from pipeline.executors import TaskResult
from pipeline.garbage import short_collections
from pipeline.report.progress import ProgressListener, Verbosity
from pipeline.report.study_progress import StudyProgress
from pipeline.search.loop import Loop
from pipeline.search.proposer import Proposer
from pipeline.search.pruners import PRUNERS
from pipeline.search.samplers import SAMPLERS
from pipeline.search.stop_reason import Budget
from pipeline.search.storage import StudyStorage
from pipeline.steps.study_files import StudyFiles
from pipeline.study.objective import Objective
from pipeline.study.paths import StudyPaths
from pipeline.study.trial import BatchReport, Decision, EpochReport, ReportCallback, Trial, TrialResult, ending
from pipeline.tracking.runs import About
from pipeline.tracking.tracker import connect

PERIOD = 1.0
"""Seconds between two reports of a worker."""


def main() -> None:
    """Parses the arguments, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--epoch", type=int, default=10, help="seconds, and reports, of an epoch")
    parser.add_argument("--epochs", type=int, default=12, help="epochs of a trial")
    parser.add_argument("--profile", action="store_true", help="print where the loop's thread spends its time")
    parser.add_argument("--keep", action="store_true", help="write results/parent_load.json")
    args = parser.parse_args()
    print(machine())
    optuna.logging.set_verbosity(logging.ERROR)
    warnings.simplefilter("ignore")
    profile = cProfile.Profile() if args.profile else None
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        figures = measure(Path(folder), args, profile)
        os.chdir("/")
    for name, value in figures.items():
        print(f"{name}: {value:.4g}")
    if profile is not None:
        pstats.Stats(profile).sort_stats("tottime").print_stats(40)
    if args.keep:
        keep(figures)


@dataclass(frozen=True)
class Simulated:
    """A trial that the executor below runs."""

    trial: Trial

    @property
    def number(self) -> int:
        """The trial's number."""
        return self.trial.number

    def run(self, report: ReportCallback) -> TrialResult:
        """Raises NotImplementedError, since no worker runs it."""
        raise NotImplementedError


@dataclass
class _Worker:
    """A worker's trial, which ends after so many epochs; ``reports`` counts those that it has made."""

    trial: Trial
    epochs: int
    reports: int = 0
    history: list[EpochReport] = field(default_factory=list)


class SimulatedWorkers:
    """An executor whose workers report by the clock. ``waits`` are the seconds that each report took to be answered.

    The first trials are cut short by chance, so that later ones do not begin all at once.
    """

    def __init__(self, slots: int, epoch: int) -> None:
        self.slots = slots
        self.waits: list[float] = []
        self._epoch = epoch
        self._random = random.Random(0)
        self._due: list[tuple[float, int]] = []
        self._running: dict[int, _Worker] = {}
        self._staggered = slots

    @property
    def free(self) -> int:
        """See ``Executor``."""
        return self.slots - len(self._running)

    @property
    def have_begun(self) -> bool:
        """Whether each worker has been given a trial."""
        return not self._staggered

    def submit(self, task: Simulated) -> None:
        """See ``Executor``."""
        worker = _Worker(task.trial, task.trial.epochs)
        if self._staggered:
            self._staggered -= 1
            worker.reports = self._random.randrange(self._epoch)
            worker.epochs = self._random.randint(1, task.trial.epochs)
        self._running[task.number] = worker
        heapq.heappush(self._due, (time.monotonic() + PERIOD * self._random.random(), task.number))

    def wait(self, report: ReportCallback, timeout: float | None = None) -> list[TaskResult]:
        """See ``Executor``: like the local one, it answers all that have reported before it returns what has ended."""
        until = time.monotonic() + (timeout or 0)
        while True:
            if results := self._answer(report):
                return results
            if (now := time.monotonic()) >= until:
                return []
            time.sleep(max(0.0, min([until, *(due for due, _ in self._due[:1])]) - now))

    def _answer(self, report: ReportCallback) -> list[TaskResult]:
        """Answers each worker whose report is due by now; returns the results of the trials that end with it."""
        now, results = time.monotonic(), list[TaskResult]()
        while self._due and self._due[0][0] <= now:
            due, number = heapq.heappop(self._due)
            if number not in self._running:
                continue
            result = self._report(number, report)
            self.waits.append(time.monotonic() - due)
            if result is None:
                heapq.heappush(self._due, (due + PERIOD, number))
            else:
                results.append(result)
        return results

    def _report(self, number: int, report: ReportCallback) -> TaskResult | None:
        """Makes the next report of a worker; returns the result once its trial has ended."""
        worker = self._running[number]
        worker.reports += 1
        epoch, batch = divmod(worker.reports, self._epoch)
        if batch:
            decision = report(BatchReport(number, batch, self._epoch, epoch + 1, float(worker.reports), 1.0, 64))
        else:
            score = pretended_score(worker.trial.params, epoch)
            metrics = {"loss": 1 - score, "val_loss": 1 - score, "val_accuracy": score, "val_f1_macro": score}
            worker.history.append(EpochReport(number, epoch, metrics, float(worker.reports)))
            decision = report(worker.history[-1])
        if decision is Decision.CONTINUE and epoch < worker.epochs:
            return None
        return TaskResult(number, self._end(worker, decision))

    def _end(self, worker: _Worker, decision: Decision) -> TrialResult:
        del self._running[worker.trial.number]
        scores = [report.metrics["val_accuracy"] for report in worker.history]
        end = ending(decision, len(scores))
        return TrialResult(
            worker.trial.number,
            end.state,
            max(scores, default=None),
            len(scores),
            float(worker.reports),
            model="model.keras" if end.keeps_model else "",
            decision=decision,
            history=tuple(worker.history),
        )

    def drop(self, number: int) -> None:
        """See ``Executor``."""
        self._running.pop(number, None)

    def close(self) -> None:
        """See ``Executor``."""
        self._running.clear()


def measure(folder: Path, args: argparse.Namespace, profile: cProfile.Profile | None) -> dict[str, float]:
    """Runs a study until all workers are busy, and then for so many seconds; returns the figures."""
    paths, space = StudyPaths(folder / "studies" / "load"), spaces.load("plain")
    paths.path.mkdir(parents=True)
    storage = StudyStorage(paths.storage, space, PRUNERS["asha"], args.epochs, Objective())
    tracker = connect()
    tracker.begin_study(about(), None)
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    view = ProgressListener(console, Verbosity.LIVE, StudyProgress(10_000))
    proposer = Proposer(
        space, SAMPLERS["bayesian"].plan(space, 0), storage, partial(judge, space, shape=(28, 28, 1), classes=10), 0
    )
    workers = SimulatedWorkers(args.workers, args.epoch)
    watch = Watch(workers, console, args.seconds, profile)

    def make_task(trial: Trial, _: Candidate) -> Simulated:
        return Simulated(trial)

    with view.showing():
        listeners = [StudyFiles(paths, storage, 5), tracker, view]
        loop = Loop(proposer, storage, workers, make_task, listeners, watch.look)
        with suppress(KeyboardInterrupt), short_collections():  # as where a study starts
            loop.run(Budget(10**6))
    tracker.close()
    return watch.figures | {"trials": float(len(storage.records)), "not in MLflow": float(len(tracker.problems))}


def about() -> About:
    """The study as MLflow knows it."""
    return About("load", {"data": "digits"}, load("digits", fetch=no_network).facts)


def no_network(name: str, folder: Path) -> None:
    """The set comes with scikit-learn."""
    raise AssertionError(name)


class Watch:
    """Looks at the clock between the loop's steps, and ends the loop after so many seconds of full load."""

    def __init__(
        self, workers: SimulatedWorkers, console: Console, seconds: float, profile: cProfile.Profile | None
    ) -> None:
        self._workers, self._console, self._seconds, self._profile = workers, console, seconds, profile
        self._began: tuple[float, float] | None = None
        self.figures: dict[str, float] = {}

    def look(self) -> None:
        """Begins to measure once every worker has had a trial; raises KeyboardInterrupt at the end, as Ctrl-C does."""
        now = time.monotonic(), time.process_time()
        self._forget_output()
        if self._began is None:
            if self._workers.have_begun:
                self._began = now
                self._workers.waits.clear()
                if self._profile is not None:
                    self._profile.enable()
        elif now[0] - self._began[0] >= self._seconds:
            if self._profile is not None:
                self._profile.disable()
            self.figures = self._summary(now)
            raise KeyboardInterrupt

    def _forget_output(self) -> None:
        if isinstance(self._console.file, io.StringIO) and self._console.file.tell() > 1_000_000:
            self._console.file.seek(0)
            self._console.file.truncate()

    def _summary(self, now: tuple[float, float]) -> dict[str, float]:
        assert self._began is not None
        wall, processor = (end - start for start, end in zip(self._began, now, strict=True))
        waits = sorted(self._workers.waits)
        return {
            "seconds": wall,
            "reports a second": len(waits) / wall,
            "parent's CPU in % of a core": 100 * processor / wall,
            "longest wait of a report, ms": 1000 * waits[-1],
            "99 % of reports wait less than, ms": 1000 * waits[int(0.99 * len(waits))],
            "reports over 200 ms": float(sum(wait > 0.2 for wait in waits)),
        }


if __name__ == "__main__":
    main()
