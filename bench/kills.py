"""Kills a study with ``kill -9`` at random moments, lets it go on, and looks at what is lost or done twice.

    python -m bench.kills [--kills 30] [--trials 60] [--seed 0]

Its trials are pretended, three at a time, which takes Keras and its seconds out; everything else is real: the command,
the storage, the files, an MLflow store. Some are pruned, some end early since they diverge, the others are complete;
the search pauses none, so none waits for a promotion. Every other session is killed while it starts, the others within
half a second after their first training has begun. Prints what came out, and writes bench/results/kills.json.
"""

import argparse
import json
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mlflow import MlflowClient

from bench.machine import keep, machine
from pipeline.cli import main as convtune
from pipeline.executors import EXECUTORS, ExecutorKind, InlineExecutor, Task, TaskResult
from pipeline.search.optuna_study import read_study
from pipeline.steps import best_model, machine_rate, publish, run_best_model
from pipeline.study.paths import StudyPaths
from pipeline.study.trial import (
    EPOCH_LEARNING_RATE,
    Decision,
    EpochReport,
    ReportCallback,
    TrialResult,
    TrialState,
    ending,
)
from pipeline.tracking import ModelDecision, connect
from pipeline.training.runnable_model import RunnableModel
from pipeline.training.task import PredictDataset, TrainTask
from tests.end_to_end.pretend import WIDE, PretendAnswer, PretendTraining

FLAGS = "--data digits --space mine.yaml --search random --pruner asha --epochs 6 --executor inline --study mine"
BEGAN = "began.txt"
"""A line for each training that begins: the session and the trial."""

_PAUSE = 0.02
_WITHIN = 0.5
"""Seconds after the begin of a session's first training within which it is killed."""

_DIVERGES_FROM = 0.1
"""The dropout from which pretended trainings diverge."""

_STATUS = {TrialState.COMPLETE: "FINISHED", TrialState.PRUNED: "KILLED", TrialState.FAILED: "FAILED"}


class SideBySide(InlineExecutor):
    """Three pretended trainings side by side: each ``wait`` gives every one of them an epoch."""

    slots = 3

    def __init__(self) -> None:
        super().__init__()
        self._training: dict[int, _Training] = {}

    @property
    def free(self) -> int:
        """The slots without a training."""
        return super().free - len(self._training)

    def submit(self, task: Task[Any]) -> None:
        """Begins a training; anything else waits for the next ``wait``."""
        if isinstance(task, TrainTask):
            self._training[task.number] = _Training(task)
        else:
            super().submit(PretendAnswer(task))

    def wait(self, report: ReportCallback, timeout: float | None = None) -> list[TaskResult]:
        """The results of the trainings that this epoch has ended."""
        if not self._training:
            return super().wait(report, timeout)
        time.sleep(_PAUSE)
        ended = [result for training in self._training.values() if (result := training.step(report)) is not None]
        for result in ended:
            del self._training[result.number]
        return ended

    def drop(self, number: int) -> None:
        """Ends a training."""
        self._training.pop(number, None)


class _Training:
    """A pretended training, epoch by epoch."""

    def __init__(self, task: TrainTask) -> None:
        self._task, self._epoch, self._best = task, 0, None
        with open(BEGAN, "a", encoding="utf-8") as log:
            print(os.getpid(), task.number, file=log)

    def step(self, report: ReportCallback) -> TaskResult | None:
        inputs = self._task.inputs
        self._epoch += 1
        metrics = self._metrics()
        score = metrics[inputs.metric.logged_as]
        self._best = score if inputs.metric.better(score, self._best) else self._best
        decision = report(EpochReport(self._task.number, self._epoch, metrics, self._epoch * _PAUSE))
        if decision is Decision.CONTINUE and self._epoch < inputs.trial.epochs:
            return None
        end = ending(decision, self._epoch)
        inputs.model_file.write_bytes(b"a model")
        model = str(inputs.model_file) if end.keeps_model else ""
        return TaskResult(
            self._task.number,
            TrialResult(self._task.number, end.state, self._best, self._epoch, decision=decision, model=model),
        )

    def _metrics(self) -> dict[str, float]:
        """Those of a pretended training; with much dropout it diverges from its third epoch on."""
        metrics = PretendTraining(self._task)._metrics(self._epoch) | {EPOCH_LEARNING_RATE: 0.01}
        if self._task.inputs.trial.params["dropout"] > _DIVERGES_FROM:
            metrics["loss"] = 0.4 if self._epoch == 2 else min(self._epoch, 3)
        return metrics


def pretend() -> None:
    """Puts pretended trainings in the place of the inline executor, and leaves out what draws, explains, registers."""
    kind = ExecutorKind("inline", "nothing is trained", lambda *_: SideBySide(), parallel=False)
    EXECUTORS["inline"] = kind  # type: ignore[index]
    machine_rate.keep(machine_rate.cache_file("auto", SideBySide.slots), 4.8e8)
    run_best_model._tasks = lambda file, data: [PredictDataset(RunnableModel(file), data, data.test)]
    best_model.register_model = lambda *_: ModelDecision(0, False, "not here")
    publish.draw_search = lambda trials: {}
    publish.write_report = lambda *_: {}


def start(folder: Path, trials: int) -> int:
    """Forks a process that runs the study in ``folder``; returns its id. Nothing is imported anew."""
    sys.stdout.flush()
    if pid := os.fork():
        return pid
    os.chdir(folder)
    output = os.open("output.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    code = 70
    try:
        pretend()
        code = convtune(["tune", *FLAGS.split(), "--trials", str(trials)])
    finally:
        sys.stdout.flush()
        os._exit(code)


def apart(function: Callable[..., Any], *arguments: Any) -> Any:
    """The function's value, from a process of its own: a database that is open would be handed on to the next one."""
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return pool.apply(function, arguments)


def make_home(folder: Path) -> None:
    """A folder with the space and an MLflow store."""
    (folder / "mine.yaml").write_text(WIDE)
    connect(f"sqlite:///{folder}/mlflow.db").close()


def finished(folder: Path) -> dict[int, tuple[str, float | None, float | None]]:
    """State, score and beginning of each trial of the study that has ended and counts; empty before it has begun."""
    storage = StudyPaths(folder / "studies" / "mine").storage
    if not storage.is_file() or not StudyPaths(folder / "studies" / "mine").exists:
        return {}
    records, _ = read_study(storage)
    return {
        record.number: (record.state.value, record.score, record.trial.began)
        for record in records
        if record.state.counts_towards_total and record.state is not TrialState.RUNNING
    }


def stored(folder: Path) -> Counter[str]:
    """How many trials the study's storage has that run, as a killed session has left them, and that ended early."""
    if not finished(folder):
        return Counter()
    records, _ = read_study(StudyPaths(folder / "studies" / "mine").storage)
    running = sum(record.state is TrialState.RUNNING for record in records)
    early = sum(record.result.decision is Decision.FINISH for record in records)
    return Counter({"running": running, "ended early": early})


def trainings(folder: Path) -> list[tuple[int, int]]:
    """The process and the trial of each training that has begun."""
    file = folder / BEGAN
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return [(int(pid), int(number)) for pid, number in map(str.split, lines)]


def runs_differ(folder: Path) -> list[str]:
    """How MLflow's runs differ from the trials of the study; empty where each is there once, with its true status."""
    client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
    [experiment] = [one for one in client.search_experiments() if one.name == "convtune"]
    runs = client.search_runs([experiment.experiment_id], max_results=5000)
    children = [run for run in runs if "mlflow.parentRunId" in run.data.tags]
    expected = {number: _STATUS[TrialState(state)] for number, (state, _, _) in finished(folder).items()}
    found = [(int(run.data.tags["number"]), run.info.status) for run in children]
    problems = [f"trial {number} is {status}" for number, status in found if expected.get(number) != status]
    problems += [f"{len(found)} runs of {len(expected)} trials"] if len(found) != len(expected) else []
    studies = [run.info.status for run in runs if run not in children]
    return problems + ([f"runs of the study: {studies}"] if studies != ["FINISHED"] else [])


def measure(folder: Path, kills: int, trials: int, seed: int) -> dict[str, Any]:
    """Kills the sessions of one study at so many random moments; every time it has ended, its total is raised.

    Returns the figures; ``problems`` says what was lost or done twice.
    """
    random_moment, problems, total, killed, stages = random.Random(seed), [], trials, 0, Counter[str]()
    apart(make_home, folder)
    known: dict[int, Any] = {}
    longest, began = 0.0, time.monotonic()
    while killed < kills:
        already = len(trainings(folder))
        pid, start_of_session = start(folder, total), time.monotonic()
        ended = 0
        while (killed % 2 or not longest) and not ended and len(trainings(folder)) == already:
            time.sleep(0.005)
            ended, status = os.waitpid(pid, os.WNOHANG)
        longest = longest or time.monotonic() - start_of_session
        within = random_moment.uniform(0, _WITHIN if killed % 2 else longest)
        moment = (time.monotonic() if killed % 2 else start_of_session) + within
        while not ended and time.monotonic() < moment:
            time.sleep(0.002)
            ended, status = os.waitpid(pid, os.WNOHANG)
        if ended and status:
            sys.exit((folder / "output.txt").read_text(encoding="utf-8")[-3000:])
        if ended:
            total += trials
        else:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            killed += 1
            stages["before the first trial"] += len(trainings(folder)) == already
            ran = len(trainings(folder)) > already and apart(stored, folder)["running"] > 0
            stages["while trials ran"] += ran
        again = {number for _, number in trainings(folder)[already:]}
        problems += [f"trial {number} was trained again" for number in sorted(again & known.keys())]
        now = apart(finished, folder)
        problems += [f"trial {number} is not as it was" for number in known if now.get(number) != known[number]]
        known = now
    _, status = os.waitpid(start(folder, total), 0)
    end = apart(finished, folder)
    problems += [f"the last session ended with status {status}"] if status else []
    problems += [f"trial {number} is not as it was" for number in known if end.get(number) != known[number]]
    if sorted(end) != list(range(total)):
        problems.append(f"{len(end)} trials of {total}")
    return {
        "kills": killed,
        "before the first trial of the session": stages["before the first trial"],
        "while trials ran": stages["while trials ran"],
        "trials": len(end),
        "trainings": len(trainings(folder)),
        "states": {state: [one for one, _, _ in end.values()].count(state) for state in ("complete", "pruned")},
        "complete since they ended early": apart(stored, folder)["ended early"],
        "seconds": time.monotonic() - began,
        "problems": problems,
        "problems in MLflow": apart(runs_differ, folder),
    }


def main() -> None:
    """Parses the arguments, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(Path(folder), args.kills, args.trials, args.seed)
        print(json.dumps(figures, indent=1))
        if figures["problems"] or figures["problems in MLflow"]:
            sys.exit((Path(folder) / "output.txt").read_text(encoding="utf-8")[-3000:])
    keep(figures)


if __name__ == "__main__":
    main()
