"""What changes between two sessions of a study: the clock, the names of its folders."""

import json
import time
from pathlib import Path

import pytest
from mlflow import MlflowClient

from pipeline.cli import main

pytestmark = pytest.mark.usefixtures("undrawn", "only_tested")


def test_a_clock_that_is_an_hour_behind_the_trials_makes_no_time_negative(tune, capsys, monkeypatch):
    assert tune("--trials", "2", "--pruner", "none") == 0
    now, now_ns = time.time, time.time_ns
    monkeypatch.setattr(time, "time", lambda: now() - 3600)
    monkeypatch.setattr(time, "time_ns", lambda: now_ns() - 3600 * 10**9)
    assert tune("--trials", "4", "--pruner", "none") == 0
    capsys.readouterr()
    assert main(["trials", "mine", "--json"]) == 0
    trials = json.loads(capsys.readouterr().out)
    assert [trial["state"] for trial in trials] == ["complete"] * 4
    assert min(trial["seconds"] for trial in trials) >= 0
    assert main(["studies"]) == 0
    client = MlflowClient("sqlite:///mlflow.db")
    runs = client.search_runs([one.experiment_id for one in client.search_experiments()])
    assert len(runs) == 5
    assert [run.info.run_name for run in runs if run.info.end_time < run.info.start_time] == []


@pytest.mark.parametrize(
    "name", ["my study", 'it\'s "mine"', "a%20b", "a%2Fb", "кошки", "a;b&c", "x{y}", "-dash", "#1"]
)
def test_a_study_of_any_name_goes_on_and_is_found(tune, capsys, name):
    flags = ("--study", f"./{name}") if name.startswith("-") else ("--study", name)
    assert tune(*flags, "--trials", "1") == 0
    assert main(["tune", *flags, "--trials", "2"]) == 0
    capsys.readouterr()
    assert main(["trials", flags[1], "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 2
    assert main(["studies", "." if name.startswith("-") else "studies"]) == 0
    assert name in capsys.readouterr().out
    assert main(["delete", flags[1], "--yes"]) == 0
    assert not Path(*([] if name.startswith("-") else ["studies"]), name).exists()
