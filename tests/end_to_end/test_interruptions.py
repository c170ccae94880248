"""Studies that are cut off: kill -9, Ctrl-C, a dying worker, the clock."""

import os
import signal
import time

import psutil
import pytest
from mlflow import MlflowClient

from pipeline.cli import main
from pipeline.executors import EXECUTORS
from pipeline.report.trials_table import as_json
from pipeline.search.optuna_study import read_study
from tests.end_to_end.conftest import PRETEND_FLAGS, Shell, shell_with_space
from tests.end_to_end.pretend import PRETEND, PretendTraining

pytestmark = pytest.mark.slow

FLAGS = (
    "--data",
    "digits",
    "--space",
    "tiny.yaml",
    "--epochs",
    "20",
    "--pruner",
    "none",
    "--workers",
    "1",
    "--study",
    "cut",
)


OWN = """
import time
import keras

class Slow(keras.Sequential):
    def train_step(self, data):
        time.sleep(0.02)
        return super().train_step(data)

def build(hp):
    hidden = keras.layers.Dense(hp.Int("units", 8, 64), "relu")
    output = keras.layers.Dense(10, "softmax")
    model = Slow([keras.Input((8, 8, 1)), keras.layers.Flatten(), hidden, output])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"], run_eagerly=True)
    return model
"""
"""A model that waits for most of its time: an epoch takes a second."""


def trials(shell):
    records, _ = read_study(shell.folder / "studies" / "cut" / "optuna.db")
    return as_json(records)


def until(condition, seconds=90):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come to pass")


def epochs(shell, number):
    history = shell.folder / "studies" / "cut" / "trials" / f"{number:04d}" / "history.csv"
    return len(history.read_text().splitlines()) - 1 if history.exists() else 0


def runs(process):
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:  # it has ended between the two
        return False


def test_a_killed_worker_costs_its_trial_and_a_killed_study_goes_on(shell, monkeypatch, undrawn, only_tested):
    """It goes on in this process, which pretends to train: what is left of the first one is not in a network."""
    monkeypatch.setitem(EXECUTORS, "inline", PRETEND)
    monkeypatch.setattr(PretendTraining, "_metrics", lambda _, epoch: {"loss": 1.0, "val_accuracy": epoch / 100})
    process = shell.start("tune", *FLAGS, "--trials", "3", "--workers", "2", "--epochs", "40")
    until(lambda: epochs(shell, 0) >= 1)
    pythons = [child for child in psutil.Process(process.pid).children() if "spawn_main" in " ".join(child.cmdline())]
    assert len(pythons) == 2
    os.kill(min(pythons, key=lambda python: python.pid).pid, signal.SIGKILL)
    until(lambda: any(trial["state"] == "failed" for trial in trials(shell)))
    workers = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    until(lambda: not any(map(runs, workers)), 60)
    [failed] = [trial for trial in trials(shell) if trial["state"] == "failed"]
    assert "SIGKILL" in failed["reason"]
    assert [trial["trial"] for trial in trials(shell) if trial["state"] == "running"]
    monkeypatch.chdir(shell.folder)
    assert main(["tune", "--study", "cut", "--executor", "inline", "--workers", "1", "-q"]) == 0
    assert [(trial["trial"], trial["state"], trial["epochs"]) for trial in trials(shell) if trial != failed] == [
        (number, "complete", 40) for number in range(3) if number != failed["trial"]
    ]
    assert failed in trials(shell)
    client = MlflowClient(f"sqlite:///{shell.folder}/mlflow.db")
    parents = client.search_runs(
        [client.get_experiment_by_name("convtune").experiment_id], "tags.mlflow.runName = 'cut'"
    )
    assert [run.info.status for run in parents] == ["FINISHED"]
    children = client.search_runs(
        [client.get_experiment_by_name("convtune").experiment_id],
        f"tags.`mlflow.parentRunId` = '{parents[0].info.run_id}'",
    )
    assert sorted(run.info.run_name.split()[0] for run in children) == ["#0", "#1", "#2"]


def test_a_signal_ends_a_study_cleanly_and_it_can_go_on(shell):
    process = shell.start("tune", *FLAGS, "--epochs", "4000", "--trials", "2")  # no trial can end before the signal
    until(lambda: epochs(shell, 0) >= 1)
    end(process, process.send_signal, signal.SIGTERM)
    assert [trial["state"] for trial in trials(shell)] == ["interrupted"]
    (shell.folder / "studies" / "cut" / "trials" / "0000" / "history.csv").unlink()

    process = shell.start("tune", "--study", "cut")
    until(lambda: epochs(shell, 0) >= 1)
    end(process, lambda number: os.killpg(process.pid, number), signal.SIGINT)  # as a terminal does: the whole group
    assert [trial["state"] for trial in trials(shell)] == ["interrupted"]


def end(process, send, number):
    send(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in out + err
    assert "convtune tune --study cut" in err


def test_time_ends_a_study_with_a_model(here, here_alone, undrawn, only_tested):
    """How long a model of the user's own takes is not known before its first epoch, so it is not shortened."""
    (here / "own.py").write_text(OWN)
    flags = ["--data", "digits", "--space", "own.py:build", "--executor", "inline", "--study", "cut", "-q"]
    assert main(["tune", *flags, "--epochs", "4000", "--time", "6s", "--trials", "50"]) == 0
    [trial] = trials(Shell(here))
    assert trial["state"] == "interrupted"
    assert trial["reason"].startswith("time was up")
    assert (here / "studies" / "cut" / "best.keras").is_file()


def test_a_nan_loss_is_a_failed_trial_and_without_a_model_the_exit_code_is_1(here, capsys):
    shell = shell_with_space(here)
    fixed = "learning_rate=100,optimizer=sgd,norm=none,activation=elu,convs=4"
    flags = ["--set", fixed, "--trials", "1", "--epochs", "3", "--study", "cut", "--executor", "inline", "-q"]
    assert main(["tune", *FLAGS[:4], *flags]) == 1
    [trial] = trials(shell)
    assert trial["state"] == "failed"
    assert "loss is" in trial["reason"]
    assert "No trial left a model" in capsys.readouterr().out


def test_a_second_process_is_told_who_runs_the_study_and_a_third_that_it_was_killed(tune, here, undrawn, capsys):
    """The first trains for as long as it is let; this process is the second and the third, and pretends to train."""
    holder = here / "studies" / "mine" / "holder.json"
    first = Shell(here).start("tune", *PRETEND_FLAGS.split(), "--epochs", "4000", "--trials", "2")
    until(holder.is_file)
    assert tune("--trials", "2") == 2
    [line] = capsys.readouterr().err.splitlines()
    assert f"studies/mine: another process runs this study (process {first.pid} on host " in line
    first.kill()
    first.communicate()
    assert tune("--trials", "1") == 0
    told = capsys.readouterr().err.splitlines()[0]
    assert told.startswith(f"note: studies/mine: its last run was cut off (process {first.pid} on host ")
    assert not holder.exists()
