"""Measures the memory of one worker over many trials.

    python bench/memory.py [--trials 100] [--epochs 1]

Trains random points of the quick space on mnist5k in one worker. Prints the worker's resident memory after every tenth
trial, and the ratio of the last to the tenth.
"""

import argparse
import tempfile
from contextlib import closing
from functools import partial
from pathlib import Path

import psutil
from machine import machine

from pipeline import space as spaces
from pipeline.candidate import judge
from pipeline.data import load
from pipeline.executors import LocalExecutor
from pipeline.search.loop import Budget, Loop
from pipeline.search.problem import SearchProblem
from pipeline.search.proposer import Proposer
from pipeline.search.pruners import PRUNERS
from pipeline.search.samplers import SAMPLERS
from pipeline.search.storage import StudyStorage
from pipeline.study.objective import Objective
from pipeline.study.paths import StudyPaths
from pipeline.study.record import TrialRecord
from pipeline.study.trial import BatchReport, EpochReport
from pipeline.training.task import make_task
from pipeline.training.worker import start_worker


def main() -> None:
    """Parses the arguments, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--epochs", type=int, default=1)
    args = parser.parse_args()
    print(machine())
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(start_worker(Path(folder) / "worker.log")) as executor,
    ):
        meter = MemoryMeter(executor)
        problem = search_problem(Path(folder))
        storage = StudyStorage(problem.paths.storage, problem.space, PRUNERS["none"], args.epochs, problem.objective)
        plan = SAMPLERS["random"].plan(problem.space, problem.seed)
        proposer = Proposer(problem.space, plan, storage, problem.judge, problem.seed)
        Loop(proposer, storage, executor, problem.task, [meter]).run(Budget(args.trials))
    if len(meter.sizes) > 9:
        print(f"after {len(meter.sizes)} trials / after 10: {meter.sizes[-1] / meter.sizes[9]:.3f}")


class MemoryMeter:
    """Listens to the trials, and measures the resident memory of the one worker after each."""

    def __init__(self, executor: LocalExecutor) -> None:
        self._executor = executor
        self.sizes: list[int] = []

    def trial_started(self, record: TrialRecord) -> None:
        """Nothing to measure."""

    def epoch_ended(self, record: TrialRecord, report: EpochReport) -> None:
        """Nothing to measure."""

    def progressed(self, record: TrialRecord, report: BatchReport) -> None:
        """Nothing to measure."""

    def trial_ended(self, record: TrialRecord) -> None:
        """Adds the size; prints every tenth."""
        [pid] = self._executor.pids
        self.sizes.append(psutil.Process(pid).memory_info().rss)
        if len(self.sizes) % 10 == 0:
            size = self.sizes[-1] / 2**20
            print(f"after {len(self.sizes):3d} trials: {size:,.0f} MiB (process {pid})", flush=True)


def search_problem(folder: Path) -> SearchProblem:
    """The quick space on mnist5k, with a study in ``folder``."""
    dataset = load("mnist5k", seed=0, fetch=lambda name, target: None)
    space = spaces.load("quick")
    return SearchProblem(
        space=space,
        judge=partial(judge, space, shape=dataset.shape, classes=len(dataset.classes)),
        make_task=make_task,
        dataset=dataset,
        objective=Objective(),
        precision="auto",
        seed=0,
        paths=StudyPaths(folder),
    )


if __name__ == "__main__":
    main()
