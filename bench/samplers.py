"""Compares settings of TPE, and the epoch at which pruning begins, on recorded learning curves of own networks.

    python bench/samplers.py record FOLDER     # trains every network of the table, about 25 minutes
    python bench/samplers.py [--seeds 40] [--trainings 5 10 20 50] [--keep]     # about 10 minutes, trains nothing

FOLDER is CIFAR-10 as an image folder, with train/<class> and test/<class>; 3,000 of its images are trained on and 750
validate, at 16x16 pixels.

The table is a conditional space of 672 points: 1 to 3 blocks with their filters, batch norm, optimizer, schedule and
six learning rates, each trained for 8 epochs. A study searches it as any other, with convtune's own loop, storage and
pruner, only that an epoch takes no time: its validation accuracy is read from the table. The studies search the
learning rate continuously: between two recorded rates an accuracy is interpolated by the logarithm of the rate.

Printed are the points of validation accuracy by which the best trial is below the best of the table, after as many
epochs as so many full trainings have; the mean over the seeds and its standard error. ``--keep`` writes
bench/results/samplers.json; ``record`` writes bench/results/sampler_curves.json.
"""

import argparse
import bisect
import csv
import json
import math
import statistics
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import optuna
from contenders.subset import write_subset
from machine import keep, machine
from optuna.pruners import SuccessiveHalvingPruner
from optuna.samplers import BaseSampler, RandomSampler, TPESampler

from pipeline.candidate import judge
from pipeline.executors import InlineExecutor
from pipeline.search.loop import Budget, Loop
from pipeline.search.optuna_study import load_trials
from pipeline.search.proposer import Proposer
from pipeline.search.pruners import PRUNERS, Pruner
from pipeline.search.pruners.pruner import REDUCTION_FACTOR
from pipeline.search.samplers import SearchPlan
from pipeline.search.samplers.few_trials import FewTrials
from pipeline.search.storage import StudyStorage
from pipeline.space import Space
from pipeline.space import load as load_space
from pipeline.study.objective import Objective
from pipeline.study.trial import Decision, EpochReport, Fault, ReportCallback, Trial, TrialResult, ending

CURVES = Path(__file__).parent / "results" / "sampler_curves.json"
EPOCHS = 8
RATES = (3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
SPACE = """
family: plain
hyperparameters:
  blocks: {{int: [1, 3]}}
  convs: 1
  filters: {{choice: [16, 64], per: blocks}}
  kernel: 3
  pool: max
  pool_size: 2
  norm: {{choice: [none, batch]}}
  activation: relu
  head: average
  fc_layers: 0
  optimizer: {{choice: [sgd, adamw]}}
  momentum: 0.9
  weight_decay: 1.0e-3
  schedule: {{choice: [constant, one_cycle]}}
  learning_rate: {rates}
  batch_size: 64
  flip: true
"""
VARIED = ("blocks", "filters_1", "filters_2", "filters_3", "norm", "optimizer", "schedule")
"""The hyperparameters of a point, beside its learning rate."""

SHIPPED = "grouped (as shipped)"
GROUPED, UNIVARIATE = {"multivariate": True, "group": True}, {"multivariate": False}
TPE: dict[str, dict[str, Any]] = {
    SHIPPED: GROUPED,
    "multivariate": {"multivariate": True},
    "univariate": UNIVARIATE,
    "grouped, 5 random first": GROUPED | {"n_startup_trials": 5},
    "univariate, 5 random first": UNIVARIATE | {"n_startup_trials": 5},
    "grouped, 100 candidates": GROUPED | {"n_ei_candidates": 100},
    "univariate, 100 candidates": UNIVARIATE | {"n_ei_candidates": 100},
}
START = {"blocks": 2, "filters_1": 16, "filters_2": 64, "norm": "batch", "optimizer": "adamw", "schedule": "one_cycle"}
START |= {"learning_rate": 3e-3}
SAMPLERS: dict[str, Callable[[int], BaseSampler]] = {
    "random": RandomSampler,
    **{
        name: lambda seed, settings=settings: FewTrials(TPESampler(constant_liar=True, seed=seed, **settings))
        for name, settings in TPE.items()
    },
}


@dataclass(frozen=True)
class Condition:
    """A pruner, the points that are tried first, and the samplers that are compared."""

    pruner: Pruner
    starts: Sequence[dict[str, Any]] = ()
    samplers: Sequence[str] = tuple(SAMPLERS)


def asha_from(epoch: int) -> Condition:
    """The shipped sampler, with a first rung after this epoch; as shipped it is after the second."""
    rule = SuccessiveHalvingPruner(min_resource=epoch, reduction_factor=REDUCTION_FACTOR)
    return Condition(Pruner(f"asha from {epoch}", "", lambda epochs: rule), samplers=[SHIPPED])


CONDITIONS = {
    "asha": Condition(PRUNERS["asha"]),
    "asha, a good start": Condition(PRUNERS["asha"], [START]),
    "none": Condition(PRUNERS["none"]),
    **{f"asha from epoch {epoch}": asha_from(epoch) for epoch in (1, 3, 4)},
}


def main() -> None:
    """Parses the arguments; records, or compares."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.set_defaults(do=compare)
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--trainings", type=int, nargs="+", default=[5, 10, 20, 50])
    parser.add_argument("--keep", action="store_true", help="write results/samplers.json")
    recorded = parser.add_subparsers().add_parser("record", help="train every network of the table")
    recorded.add_argument("folder", type=Path)
    recorded.set_defaults(do=record)
    args = parser.parse_args()
    print(machine())
    args.do(args)


def space_with(rates: str) -> Space:
    """The space of the table, with this domain of the learning rate."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "table.yaml")
        file.write_text(SPACE.format(rates=rates))
        return load_space(str(file))


def record(args: argparse.Namespace) -> None:
    """Trains every point by a grid search of the command line, and writes its learning curve."""
    with tempfile.TemporaryDirectory() as folder:
        space = Path(folder, "table.yaml")
        space.write_text(SPACE.format(rates=f"{{choice: {list(RATES)}}}"))
        write_subset(args.folder, 3_000, Path(folder, "subset.npz"))
        flags = f"--data subset.npz --image-size 16 --space table.yaml --search grid --epochs {EPOCHS} --pruner none"
        command = [sys.executable, "-m", "pipeline", "tune", *flags.split(), "--seed", "0", "--study", "table", "-q"]
        subprocess.run(command, check=True, cwd=folder)
        paths, records, _ = load_trials(str(Path(folder, "studies", "table")))
        curves = {}
        for one in records:
            with paths.history(one.number).open(newline="") as rows:
                accuracies = [float(row["val_accuracy"]) for row in csv.DictReader(rows)]
            curves[" ".join(map(str, (*point_of(one.trial.params), one.trial.params["learning_rate"])))] = accuracies
    keep({"curves": curves}, CURVES.name)


def point_of(params: Mapping[str, Any]) -> tuple[str, ...]:
    """The values of the point beside its learning rate; "-" where it has none."""
    return tuple(str(params.get(name, "-")) for name in VARIED)


class Table:
    """The recorded curves: validation accuracies by epoch, of each point by its learning rates."""

    def __init__(self, curves: Mapping[str, list[float]]) -> None:
        self._curves: dict[tuple[str, ...], dict[float, list[float]]] = {}
        for key, accuracies in curves.items():
            *point, rate = key.split()
            self._curves.setdefault(tuple(point), {})[float(rate)] = accuracies
        self.best = max(max(accuracies) for accuracies in curves.values())

    def curve(self, params: Mapping[str, Any]) -> list[float]:
        """The curve of a point, between those of the recorded rates beside its own."""
        rates = self._curves[point_of(params)]
        rate = float(params["learning_rate"])
        above = min(max(1, bisect.bisect_left(RATES, rate)), len(RATES) - 1)
        low, high = RATES[above - 1], RATES[above]
        share = min(1.0, max(0.0, math.log(rate / low) / math.log(high / low)))
        return [(1 - share) * one + share * other for one, other in zip(rates[low], rates[high], strict=True)]


@dataclass(frozen=True)
class Replayed:
    """A trial that takes no time: its curve is recorded. ``notice`` is called with each accuracy."""

    trial: Trial
    table: Table
    notice: Callable[[float], None]

    @property
    def number(self) -> int:
        """The trial's number."""
        return self.trial.number

    def run(self, report: ReportCallback) -> TrialResult:
        """Reports the epochs until the loop decides that the trial ends."""
        best, decision = 0.0, Decision.CONTINUE
        epochs = 0
        for accuracy in self.table.curve(self.trial.params):
            epochs, best = epochs + 1, max(best, accuracy)
            self.notice(accuracy)
            decision = report(EpochReport(self.number, epochs, {"val_accuracy": accuracy}, float(epochs)))
            if decision is not Decision.CONTINUE:
                break
        state = ending(decision, epochs, Fault.NONE).state
        return TrialResult(self.number, state, best, epochs, float(epochs), decision=decision, model="model.keras")


def trajectory(
    table: Table, space: Space, sampler: BaseSampler, condition: Condition, seed: int, epochs: int
) -> list[float]:
    """The best accuracy so far after each epoch of a study, all trials taken together, for so many epochs."""
    bests: list[float] = []

    def notice(accuracy: float) -> None:
        bests.append(max(accuracy, bests[-1] if bests else 0.0))

    with tempfile.TemporaryDirectory() as folder:
        storage = StudyStorage(Path(folder, "optuna.db"), space, condition.pruner, EPOCHS, Objective())
        for point in condition.starts:
            storage.enqueue(point)
        judging = partial(judge, space, shape=(16, 16, 3), classes=10)
        proposer = Proposer(space, SearchPlan(iter(()), sampler), storage, judging, seed)
        loop = Loop(proposer, storage, InlineExecutor(), lambda trial, _: Replayed(trial, table, notice), [])
        trials = 0
        while len(bests) < epochs:  # a trial at a time, since pruning decides how many there are
            trials += 1
            loop.run(Budget(trials))
    return bests[:epochs]


def compare(args: argparse.Namespace) -> None:
    """Prints, for each condition and sampler, how far below the best of the table studies are."""
    table = Table(json.loads(CURVES.read_text(encoding="utf-8"))["curves"])
    space = space_with(f"{{float: [{RATES[0]}, {RATES[-1]}], log: true}}")
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    figures: dict[str, Any] = {"best of the table": table.best, "points below the best": {}}
    print(f"best of the table {table.best:.4f}; points below it after full trainings:")
    print(f"{'pruner':19} {'sampler':27} " + " ".join(f"{count:>12}" for count in args.trainings))
    for title, condition in CONDITIONS.items():
        for name in condition.samplers:
            cells = list(measure(table, space, SAMPLERS[name], condition, args))
            print(
                f"{title:19} {name:27} " + " ".join(f"{mean:5.2f} ± {error:4.2f}" for mean, error in cells),
                flush=True,
            )
            row = {str(count): list(cell) for count, cell in zip(args.trainings, cells, strict=True)}
            figures["points below the best"].setdefault(title, {})[name] = row
    if args.keep:
        keep(figures)


def measure(
    table: Table, space: Space, make: Callable[[int], BaseSampler], condition: Condition, args: argparse.Namespace
) -> Iterator[tuple[float, float]]:
    """For each number of trainings the mean distance to the best, in points of accuracy, and its standard error."""
    longest = EPOCHS * max(args.trainings)
    runs = [trajectory(table, space, make(seed), condition, seed, longest) for seed in range(args.seeds)]
    for trainings in args.trainings:
        distances = [100 * (table.best - run[EPOCHS * trainings - 1]) for run in runs]
        yield statistics.mean(distances), statistics.stdev(distances) / math.sqrt(len(distances))


if __name__ == "__main__":
    main()
