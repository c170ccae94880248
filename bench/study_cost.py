"""Measures what a study costs beside its training: time per trial, as trials add up, and memory of the parent.

    python bench/study_cost.py [--trials 2000] [--points 100000] [--keep]

Trains nothing: each trial reports three epochs and ends. Prints milliseconds per trial, wall and processor time, as the
mean of the last 20 trials before each checkpoint, and their parts: asking (all proposals that it took), judging them,
storing them with what they report and asking the pruner, and the listeners: the study's files, the tracker's queue
(what its thread sends goes nowhere), the live view. Beside them plain Optuna with SQLite as shipped, in a study of as
many trials in the same space: TPESampler in ``plain``, BruteForceSampler in a grid of so many points. Then what one
proposal of TPE takes by its settings, with all trials and with those that convtune shows it. Takes about 4 minutes.
``--keep`` writes bench/results/study_cost.json.
"""

import argparse
import io
import logging
import tempfile
import time
import warnings
import zlib
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import optuna
import psutil
from machine import keep, machine
from optuna.pruners import SuccessiveHalvingPruner
from optuna.samplers import BaseSampler, BruteForceSampler, RandomSampler, TPESampler
from optuna.storages import RDBStorage
from rich.console import Console

from pipeline import space as spaces
from pipeline.candidate import judge
from pipeline.executors import InlineExecutor
from pipeline.report.progress import ProgressListener, Verbosity
from pipeline.report.study_progress import StudyProgress
from pipeline.search.loop import Budget, Loop
from pipeline.search.mirror import MirroredStorage
from pipeline.search.optuna_trial import suggest
from pipeline.search.proposer import Proposer
from pipeline.search.pruners import PRUNERS
from pipeline.search.samplers import SAMPLERS
from pipeline.search.samplers.few_trials import FewTrials
from pipeline.search.storage import StudyStorage
from pipeline.space import Space
from pipeline.steps.study_files import StudyFiles
from pipeline.study.objective import Objective
from pipeline.study.paths import StudyPaths
from pipeline.study.record import TrialRecord
from pipeline.study.trial import BatchReport, EpochReport, ReportCallback, Trial, TrialResult, TrialState
from pipeline.tracking.tracker import Tracker

EPOCHS = 3
LAST = 20
"""Trials over which a figure is averaged."""


def main() -> None:
    """Parses the arguments, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--keep", action="store_true", help="write results/study_cost.json")
    args = parser.parse_args()
    print(machine())
    optuna.logging.set_verbosity(logging.ERROR)
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    plain, grid = spaces.load("plain"), grid_space(args.points)
    figures: dict[str, Any] = {}
    for title, space, search, sampler in (
        ("plain, bayesian", plain, "bayesian", TPESampler(seed=0)),
        (f"grid of {args.points:,} points", grid, "grid", BruteForceSampler(seed=0)),
    ):
        with tempfile.TemporaryDirectory() as folder:
            figures[title] = {"convtune": measure_study(title, Path(folder), space, search, args.trials)}
        with tempfile.TemporaryDirectory() as folder:
            theirs = measure_optuna(Path(folder), space, sampler, args.trials)
            figures[title][f"Optuna's {type(sampler).__name__}"] = theirs
    figures["a proposal of TPE"] = measure_settings(plain, args.trials)
    if args.keep:
        keep(figures)


def grid_space(points: int) -> Space:
    """Plain networks of one block, distinguished by their learning rate, filters and batch size."""
    rates = points // 20
    content = f"""
family: plain
hyperparameters:
  blocks: 1
  filters: {{choice: [4, 8, 16, 32, 64]}}
  kernel: {{choice: [3, 5]}}
  head: average
  fc_layers: 0
  batch_size: {{choice: [32, 64]}}
  optimizer: adam
  learning_rate: {{float: [0.001, {0.001 + (rates - 1) * 0.001}], step: 0.001}}
"""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "grid.yaml")
        file.write_text(content)
        return spaces.load(str(file))


@dataclass(frozen=True)
class Pretend:
    """A trial that takes no time. Its scores follow from its params."""

    trial: Trial

    @property
    def number(self) -> int:
        """The trial's number."""
        return self.trial.number

    def run(self, report: ReportCallback) -> TrialResult:
        """Reports each epoch, whatever the pruner says."""
        for epoch in range(1, EPOCHS + 1):
            score = pretended_score(self.trial.params, epoch)
            metrics = {"loss": 1 - score, "val_loss": 1 - score, "val_accuracy": score, "val_f1_macro": score}
            report(EpochReport(self.number, epoch, metrics, float(epoch)))
        return TrialResult(self.number, TrialState.COMPLETE, score, EPOCHS, float(EPOCHS), model="model.keras")


def pretended_score(params: dict[str, Any], epoch: int) -> float:
    """Better with each epoch, and with a learning rate near 0.01."""
    noise = zlib.crc32(str(params).encode()) % 97 / 97
    return epoch / EPOCHS / (1 + abs(float(params["learning_rate"]) - 0.01) + noise)


def now() -> tuple[float, float]:
    """Seconds on the wall's clock and of this process on processors."""
    return time.monotonic(), time.process_time()


class Stopwatch:
    """Adds up the seconds that are spent in parts of the work, and those of each trial."""

    def __init__(self, checkpoints: list[int]) -> None:
        self.began, self.ended, self.first = time.monotonic(), 0, 0.0
        self._parts: dict[str, float] = defaultdict(float)
        self._since, self._checkpoints = now(), checkpoints
        self._memory: dict[int, int] = {}
        self.figures: dict[str, Any] = {"ms per trial": {}}

    def timed(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, with its time added to ``part``."""

        def run(*args: Any, **kwargs: Any) -> Any:
            start = time.monotonic()
            try:
                return function(*args, **kwargs)
            finally:
                self._parts[part] += time.monotonic() - start

        return run

    def trial_ended(self) -> None:
        """Counts a trial; begins to add up ``LAST`` trials before each checkpoint, and prints there."""
        self.ended += 1
        if self.ended == 1:
            self.first = time.monotonic() - self.began
            self.figures["seconds to the first trial"] = self.first
            print(f"    first trial ended after {self.first:.2f} s")
        if self.ended + LAST in self._checkpoints:
            self._parts.clear()
            self._since = now()
        if self.ended in self._checkpoints:
            wall, processor = (1000 * (end - start) / LAST for start, end in zip(self._since, now(), strict=True))
            parts = "  ".join(f"{name} {1000 * seconds / LAST:.1f}" for name, seconds in self._parts.items())
            self.figures["ms per trial"][self.ended] = wall
            self._memory[self.ended] = psutil.Process().memory_info().rss
            print(f"    trial {self.ended:5,}: {wall:6.1f} ms, processor {processor:6.1f} ms ({parts})", flush=True)

    def print_memory(self) -> None:
        """The growth between the second checkpoint and the last."""
        (start, low), (end, high) = list(self._memory.items())[-2:]
        growth = self.figures["kB per trial"] = (high - low) / (end - start) / 1000
        print(f"    memory: {growth:.1f} kB per trial from trial {start:,} to {end:,}")


def checkpoints(trials: int) -> list[int]:
    """The trials at which figures are printed."""
    return [trials // 20, trials // 4, trials]


def measure_study(title: str, folder: Path, space: Space, search: str, trials: int) -> dict[str, Any]:
    """Runs a study of convtune, with all its listeners, on an executor that trains nothing; returns its figures."""
    print(f"{title}, convtune:")
    watch = Stopwatch(checkpoints(trials))
    paths = StudyPaths(folder)
    storage = StudyStorage(paths.storage, space, PRUNERS["asha"], EPOCHS, Objective())
    for part, names in {"ask": ["ask"], "store": ["accept", "reject", "repeat", "enqueue", "report", "tell"]}.items():
        for name in names:
            setattr(storage, name, watch.timed(part, getattr(storage, name)))
    plan = SAMPLERS[search].plan(space, 0)
    judging = watch.timed("judge", partial(judge, space, shape=(28, 28, 1), classes=10))
    tracker = Tracker("nowhere")
    tracker._runs.use(silent_client(), "0")
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    view = ProgressListener(console, Verbosity.LIVE, StudyProgress(trials))
    listeners = [Timed(watch, "files", StudyFiles(paths, storage, 5)), Timed(watch, "tracker", tracker)]
    listeners += [Timed(watch, "view", view), Counting(watch, console)]
    proposer = Proposer(space, plan, storage, judging, 0)
    with view.showing():
        Loop(proposer, storage, InlineExecutor(), lambda trial, _: Pretend(trial), listeners).run(Budget(trials))
    tracker.close()
    print(f"    {storage.proposals:,} proposals")
    watch.print_memory()
    return watch.figures


class Timed:
    """A listener whose time is added up."""

    def __init__(self, watch: Stopwatch, part: str, listener: Any) -> None:
        for name in ("trial_started", "epoch_ended", "progressed", "trial_ended"):
            setattr(self, name, watch.timed(part, getattr(listener, name)))


class Counting:
    """A listener that counts the trials, and forgets what was printed."""

    def __init__(self, watch: Stopwatch, console: Console) -> None:
        self._watch, self._console = watch, console

    def trial_started(self, record: TrialRecord) -> None:
        """Nothing to count."""

    def epoch_ended(self, record: TrialRecord, report: EpochReport) -> None:
        """Nothing to count."""

    def progressed(self, record: TrialRecord, report: BatchReport) -> None:
        """Nothing to count."""

    def trial_ended(self, record: TrialRecord) -> None:
        """Counts."""
        self._console.file.seek(0)
        self._console.file.truncate()
        self._watch.trial_ended()


def silent_client() -> Any:
    """In the place of MLflow's client: every call succeeds and does nothing."""
    run = SimpleNamespace(info=SimpleNamespace(run_id="0"))

    class Silent:
        def __getattr__(self, name: str) -> Callable[..., Any]:
            return lambda *args, **kwargs: run

    return Silent()


def measure_optuna(folder: Path, space: Space, sampler: BaseSampler, trials: int) -> dict[str, Any]:
    """Runs trials with Optuna alone (ask, suggest, report each epoch, tell) after random ones up to the checkpoints.

    Returns milliseconds per trial at each checkpoint.
    """
    figures: dict[int, float] = {}
    print(f"  Optuna's {type(sampler).__name__}:")
    url = f"sqlite:///{folder}/optuna.db"
    optuna.create_study(storage=url, study_name="study", direction="maximize")
    for checkpoint in checkpoints(trials):
        fill(url, space, checkpoint - LAST - 1)
        study = optuna.load_study(study_name="study", storage=url, sampler=sampler, pruner=SuccessiveHalvingPruner())
        run_one(study, space)  # reads the trials
        began = now()
        for _ in range(LAST):
            run_one(study, space)
        wall, processor = (1000 * (end - start) / LAST for start, end in zip(began, now(), strict=True))
        figures[checkpoint] = wall
        print(f"    trial {checkpoint:5,}: {wall:6.1f} ms, processor {processor:6.1f} ms", flush=True)
    return {"ms per trial": figures}


def run_one(study: optuna.Study, space: Space) -> None:
    """One trial of three epochs, whatever the pruner says."""
    trial = study.ask()
    space.draw(suggest(trial))
    for epoch in range(1, EPOCHS + 1):
        trial.report(pretended_score(trial.params, epoch), epoch)
        trial.should_prune()
    study.tell(trial, pretended_score(trial.params, EPOCHS))


def fill(url: str, space: Space, trials: int) -> None:
    """Brings a stored study to so many trials, with random ones."""
    backend = RDBStorage(url)
    mirror = MirroredStorage(backend, optuna.load_study(study_name="study", storage=backend))
    study = optuna.load_study(study_name="study", storage=mirror, sampler=RandomSampler(0))
    for _ in range(trials - len(study.get_trials(deepcopy=False))):
        run_one(study, space)
    mirror.flush()


def measure_settings(space: Space, trials: int) -> dict[str, Any]:
    """Milliseconds of processor time for a proposal of TPE, by its settings: after all trials, and from the few."""
    figures: dict[str, Any] = {}
    print(f"TPE in plain, processor time of a proposal after {trials:,} trials, and of one from the few shown:")
    study = optuna.create_study(direction="maximize", sampler=RandomSampler(0))
    for _ in range(trials):
        run_one(study, space)
    for settings in (
        {"multivariate": True, "group": True},
        {"multivariate": False},
        {"multivariate": False, "constant_liar": True},
    ):
        times = []
        for wrap in (lambda sampler: sampler, FewTrials):
            study.sampler = wrap(TPESampler(seed=0, **settings))
            space.draw(suggest(study.ask()))
            began = time.process_time()
            for _ in range(LAST):
                space.draw(suggest(study.ask()))
            times.append(1000 * (time.process_time() - began) / LAST)
        figures[str(settings)] = {"ms from all trials": times[0], "ms from few": times[1]}
        print(f"    {settings}: {times[0]:.0f} ms, {times[1]:.0f} ms", flush=True)
    return figures


if __name__ == "__main__":
    main()
