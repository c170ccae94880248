"""A folder in which convtune is run as a user would, and studies in this process."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.cli import main
from pipeline.executors import EXECUTORS
from pipeline.tracking import ModelDecision
from pipeline.training.runnable_model import RunnableModel
from pipeline.training.task import PredictDataset
from tests.end_to_end.pretend import PRETEND, SPACE
from tests.mlflow_server import MlflowServer

ROOT = Path(__file__).resolve().parents[2]

TINY = """
family: plain
hyperparameters:
  blocks: {int: [1, 2]}
  filters: {choice: [4, 8], per: blocks}
  head: average
  fc_layers: 0
  learning_rate: {float: [1e-3, 3e-2], log: true}
  batch_size: 64
start_from:
  - {blocks: 2, filters: 8, learning_rate: 0.02}
"""

PRETEND_FLAGS = "--data digits --space mine.yaml --search grid --epochs 3 --executor inline --study mine"


@dataclass(frozen=True)
class Shell:
    """A folder in which convtune is run as a user would."""

    folder: Path

    def start(self, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "pipeline", *arguments],
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "100"} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str, expect: int = 0, **environment: str) -> "subprocess.CompletedProcess[str]":
        process = self.start(*arguments, **environment)
        out, err = process.communicate(timeout=300)
        assert process.returncode == expect, f"exit code {process.returncode}\n{out}\n{err}"
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def shell_with_space(folder: Path) -> Shell:
    (folder / "tiny.yaml").write_text(TINY)
    return Shell(folder)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server of MLflow for the tests of a file; it runs where the first begins."""
    server = MlflowServer(tmp_path_factory.mktemp("server"))
    server.start()
    yield server
    server.close()


@pytest.fixture
def shell(tmp_path, empty_store) -> Shell:
    """A folder of its own with a copy of an MLflow store: making one takes seconds."""
    shutil.copy(empty_store, tmp_path)
    return shell_with_space(tmp_path)


@pytest.fixture
def only_tested(monkeypatch, undrawn):
    """A study tests its best model; pictures and registry take seconds, and have tests of their own."""

    def tasks(model_file, dataset):
        return [PredictDataset(RunnableModel(model_file), dataset, dataset.test)]

    monkeypatch.setattr("pipeline.steps.run_best_model._tasks", tasks)
    monkeypatch.setattr(
        "pipeline.steps.best_model.register_model", lambda *args: ModelDecision(0, False, "not in this test")
    )
    monkeypatch.setattr("pipeline.steps.sync.register_later", lambda *args: ("", True))


@pytest.fixture
def tune(here, monkeypatch):
    """Runs ``convtune tune`` on the study ``mine`` of a folder of its own: 3 epochs per trial, pretended training."""
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setitem(EXECUTORS, "inline", PRETEND)
    (here / "mine.yaml").write_text(SPACE)
    return lambda *more: main(["tune", *PRETEND_FLAGS.split(), *more])
