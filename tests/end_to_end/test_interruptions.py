"""Studies that are cut off: kill -9, Ctrl-C, a dying worker, the clock."""

import os
import signal
import time

import psutil
import pytest
from mlflow import MlflowClient

from pipeline.report.trials_table import as_json
from pipeline.search.optuna_study import read_study

pytestmark = pytest.mark.slow

FLAGS = ("--data", "digits", "--space", "tiny.yaml", "--epochs", "20", "--pruner", "none", "--study", "cut")


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


def test_a_study_goes_on_after_kill_9_and_repeats_the_trial_that_was_cut(shell):
    process = shell.start("tune", *FLAGS, "--trials", "2")
    workers = []
    until(lambda: epochs(shell, 0) >= 2)
    workers = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    until(lambda: not any(worker.is_running() and worker.status() != "zombie" for worker in workers), 60)
    assert [trial["state"] for trial in trials(shell)] == ["running"]
    shell.run("tune", "--study", "cut")
    assert [(trial["trial"], trial["state"], trial["epochs"]) for trial in trials(shell)] == [
        (0, "complete", 20),
        (1, "complete", 20),
    ]
    client = MlflowClient(f"sqlite:///{shell.folder}/mlflow.db")
    parents = client.search_runs(
        [client.get_experiment_by_name("convtune").experiment_id], "tags.mlflow.runName = 'cut'"
    )
    assert [run.info.status for run in parents] == ["FINISHED"]
    children = client.search_runs(
        [client.get_experiment_by_name("convtune").experiment_id],
        f"tags.`mlflow.parentRunId` = '{parents[0].info.run_id}'",
    )
    assert sorted(run.info.run_name for run in children) == ["cut #0", "cut #1"]


def test_ctrl_c_once_ends_cleanly_and_the_study_can_go_on(shell):
    process = shell.start("tune", *FLAGS, "--trials", "2")
    until(lambda: epochs(shell, 0) >= 1)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the whole group
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in out + err
    assert "convtune tune --study cut" in err
    assert [trial["state"] for trial in trials(shell)] == ["interrupted"]
    shell.run("tune", "--study", "cut", "--trials", "1")
    assert [trial["state"] for trial in trials(shell)] == ["complete"]


def test_a_worker_that_is_killed_costs_its_trial_and_the_study_goes_on(shell):
    process = shell.start("tune", *FLAGS, "--trials", "3", "--workers", "2")
    until(lambda: epochs(shell, 0) >= 1)
    pythons = [child for child in psutil.Process(process.pid).children() if "spawn_main" in " ".join(child.cmdline())]
    assert len(pythons) == 2
    os.kill(min(pythons, key=lambda python: python.pid).pid, signal.SIGKILL)
    process.communicate(timeout=200)
    assert process.returncode == 0
    states = sorted((trial["state"], trial["reason"]) for trial in trials(shell))
    assert states[:2] == [("complete", "")] * 2
    assert states[2][0] == "failed"
    assert "SIGKILL" in states[2][1]


def test_time_ends_a_study_with_a_model(shell):
    shell.run("tune", *FLAGS, "--epochs", "4000", "--time", "6s", "--trials", "50")
    [trial] = trials(shell)
    assert trial["state"] == "interrupted"
    assert trial["reason"].startswith("time was up")
    assert (shell.folder / "studies" / "cut" / "best.keras").is_file()


def test_a_nan_loss_is_a_failed_trial_and_without_a_model_the_exit_code_is_1(shell):
    flags = (
        "--set",
        "learning_rate=100",
        "--set",
        "optimizer=sgd,norm=none,activation=elu,convs=4",
        "--trials",
        "1",
        "--epochs",
        "3",
    )
    run = shell.run("tune", *FLAGS[:4], *flags, "--study", "cut", expect=1)
    [trial] = trials(shell)
    assert trial["state"] == "failed"
    assert "loss is" in trial["reason"]
    assert "No trial left a model" in run.stdout


def test_two_processes_cannot_run_one_study(shell):
    process = shell.start("tune", *FLAGS, "--trials", "1")
    until(lambda: epochs(shell, 0) >= 1)
    refused = shell.run("tune", "--study", "cut", expect=2)
    assert "another process runs this study" in refused.stderr
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 130
