"""A study of accuracy and MACs through the real command line; only the training and its models are made up."""

import csv
import itertools
import json
from dataclasses import dataclass, replace

import numpy as np
import pytest
from mlflow import MlflowClient

from pipeline.cli import main
from pipeline.errors import WorkerError
from pipeline.executors import EXECUTORS, Function, Inline
from pipeline.training.task import TrainTask
from tests.fakes import Climb

SPACE = """
family: plain
parameters:
  blocks: 1
  filters: {choice: [4, 8, 16, 32]}
  kernel: {choice: [3, 5]}
  head: average
  fc_layers: 0
"""
EPOCHS = 3


@dataclass(frozen=True)
class Tried:
    """A trial that takes no time: wider is better, a larger kernel dearer and no better."""

    task: TrainTask

    @property
    def number(self):
        return self.task.number

    def run(self, ask):
        values = self.task.trial.values
        top = 0.5 + values["filters"] / 100 - values["kernel"] / 1000
        self.task.model_file.write_bytes(b"a model")
        return replace(Climb(self.number, top, EPOCHS).run(ask), model=str(self.task.model_file))


@dataclass(frozen=True)
class Answered:
    """What a study asks of a worker besides training."""

    function: Function
    number = -1

    def run(self, ask):
        name, args = str(self.function.function), self.function.args
        if name.endswith("precision:device"):
            return "cpu"
        if name.endswith("predict:over_dataset"):
            _, data, indices = args
            return np.eye(len(data.classes), dtype=np.float32)[data.labels[indices]]
        raise WorkerError("nothing is trained here")


class Pretend(Inline):
    """Runs everything in no time."""

    def submit(self, task):
        super().submit(Answered(task) if isinstance(task, Function) else Tried(task))


@pytest.fixture
def tune(tmp_path, monkeypatch):
    """Runs ``convtune tune`` on a study named ``two`` in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setitem(EXECUTORS, "inline", lambda workers, log: Pretend())
    (tmp_path / "mine.yaml").write_text(SPACE)
    flags = f"--data digits --space mine.yaml --search grid --epochs {EPOCHS} --executor inline --study two".split()
    return lambda *more: main(["tune", *flags, *more])


def dominates(one, other):
    better = one["value"] >= other["value"] and one["macs"] <= other["macs"]
    return better and (one["value"], one["macs"]) != (other["value"], other["macs"])


def test_a_study_of_two_objectives(tune, tmp_path, capsys):
    assert tune("--objective", "value,macs", "--pruner", "asha") == 0
    shown = capsys.readouterr().out
    main(["trials", "two", "--json"])
    trials = json.loads(capsys.readouterr().out)
    complete = [one for one in trials if one["state"] == "complete"]
    assert len(trials) == 8
    assert len(complete) < 8, "pruning goes by the accuracy alone"
    for one in trials:
        better = one not in complete or any(dominates(other, one) for other in complete)
        assert one["front"] == (not better)
    front = {one["number"] for one in trials if one["front"]}
    assert len(front) == 4
    lines = list(itertools.dropwhile(lambda line: not line.startswith("rank"), shown.splitlines()))[1:9]
    assert [line.split()[3] == "yes" for line in lines] == [True] * 4 + [False] * 4
    champion = max(complete, key=lambda one: one["value"])
    assert f"best model (trial {champion['number']})" in shown
    assert "On the Pareto front:           4 trials" in shown

    study = tmp_path / "studies" / "two"
    rows = list(csv.DictReader((study / "trials.csv").open()))
    assert {int(row["number"]) for row in rows if row["front"] == "True"} == front
    pictures = {"front_macs.png", "history.png", "importance.png"}
    assert pictures <= {path.name for path in (study / "plots").iterdir()}
    assert "objective: accuracy,macs" in (study / "job.yaml").read_text()

    client = MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}")
    runs = client.search_runs([client.get_experiment_by_name("convtune").experiment_id], "tags.pareto_front = 'true'")
    assert {int(run.data.tags["number"]) for run in runs} == front
    drawn = client.list_artifacts(runs[0].data.tags["mlflow.parentRunId"], "plots")
    assert {f"plots/{name}" for name in pictures} <= {file.path for file in drawn}
    best = [run for run in runs if run.data.tags.get("best") == "true"]
    assert [int(run.data.tags["number"]) for run in best] == [champion["number"]]

    assert tune("--objective", "accuracy") == 2
    refused = capsys.readouterr().err
    assert "was begun with --objective accuracy,macs" in refused
    assert len(refused.splitlines()) == 1
    assert main(["tune", "--study", "two", "-q"]) == 0


@pytest.mark.parametrize("objective", ["macs", "accuracy,mac", "accuracy,accuracy"])
def test_what_is_no_objective_is_refused_before_anything_is_written(tune, objective, tmp_path, capsys):
    assert tune("--objective", objective) == 2
    assert "--objective: expected" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.yaml"]
