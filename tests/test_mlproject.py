"""The entry points of MLproject, read and run as MLflow does."""

import argparse
import os
import shlex
import shutil
import string
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from mlflow import projects

from pipeline.cli import COMMANDS, build_parser, tune
from pipeline.job import SETTINGS, Job, read_job

ROOT = Path(__file__).resolve().parents[1]
PROJECT = yaml.safe_load((ROOT / "MLproject").read_text(encoding="utf-8"))
ENTRY_POINTS = PROJECT["entry_points"]
TUNE = ENTRY_POINTS["main"]


def defaults(entry_point):
    """The parameters that have a default, with it."""
    declared = entry_point["parameters"].items()
    return {name: parameter["default"] for name, parameter in declared if "default" in parameter}


def test_the_entry_points_are_there():
    assert set(ENTRY_POINTS) == {"main", "export", "evaluate"}
    assert {"data", "space", "search", "trials"} <= set(TUNE["parameters"])


@pytest.mark.parametrize("name", ENTRY_POINTS)
def test_every_parameter_appears_in_its_command_and_no_other(name):
    used = [field for _, field, _, _ in string.Formatter().parse(ENTRY_POINTS[name]["command"]) if field]
    assert sorted(used) == sorted(ENTRY_POINTS[name]["parameters"])


@pytest.mark.parametrize("name", ENTRY_POINTS)
def test_every_command_is_one_of_ours_and_flags_are_named_as_their_parameters(name):
    words = ENTRY_POINTS[name]["command"].split()
    assert words[:3] == ["python", "-m", "pipeline"]
    assert words[3] in COMMANDS
    pairs = [(flag, value) for flag, value in pairwise(words) if flag.startswith("--")]
    assert all(value == f"{{{flag[2:].replace('-', '_')}}}" for flag, value in pairs), pairs


def test_the_parameters_of_a_study_are_settings_of_a_job():
    """Each is passed on by the flag of its name, as the test above has it."""
    assert set(TUNE["parameters"]) <= set(SETTINGS)
    assert all(SETTINGS[name].flag == f"--{name.replace('_', '-')}" for name in TUNE["parameters"])


def test_what_is_left_empty_changes_nothing_in_a_job(tmp_path):
    (tmp_path / "job.yaml").write_text("data: photos\nepochs: 7\n")
    parser = argparse.ArgumentParser()
    tune.arguments(parser)
    words = [word.format(**defaults(TUNE)) for word in TUNE["command"].split()][4:]
    flags = vars(parser.parse_args(words))
    request = read_job(str(tmp_path / "job.yaml"), {key: flags[key] for key in SETTINGS})
    assert (request.job, request.given) == (Job("photos", epochs=7), {"data", "epochs"})


@pytest.mark.parametrize(
    ("name", "required"),
    [("export", {"study": "mine"}), ("evaluate", {"model": "exports/mine", "data": "photos"})],
)
def test_what_is_left_empty_changes_nothing_in_other_commands(name, required):
    entry_point = ENTRY_POINTS[name]
    assert set(entry_point["parameters"]) - set(defaults(entry_point)) == set(required)
    words = [word.format(**defaults(entry_point), **required) for word in entry_point["command"].split()][3:]
    passed = vars(build_parser().parse_args(words))
    expected = {"command": name, "model": next(iter(required.values()))} | {"data": required.get("data")}
    assert {key: value for key, value in passed.items() if value and key != "parser"} == {
        key: value for key, value in expected.items() if value
    }


def test_nobody_has_to_guess_the_data_of_a_model():
    """The names of data are those of the user: a default would measure the model on pictures of another task."""
    assert "default" not in ENTRY_POINTS["evaluate"]["parameters"]["data"]
    assert TUNE["parameters"]["data"]["default"] == ""


def test_the_environment_is_the_pinned_one():
    environment = yaml.safe_load((ROOT / PROJECT["python_env"]).read_text(encoding="utf-8"))
    assert environment["dependencies"] == ["-r requirements.txt"]
    assert isinstance(environment["python"], str)


SMALL = "family: plain\nhyperparameters: {blocks: 1, filters: {choice: [4, 8]}, head: average, fc_layers: 0}\n"


@pytest.mark.slow
def test_mlflow_runs_the_project(tmp_path, empty_store, monkeypatch):
    """A study started by ``mlflow run`` is the run that MLflow made for it: one run at the top, trials below it.

    Here ``mlflow run`` is the function that it calls: its own process would import MLflow for 3 s.
    """
    store = f"sqlite:///{shutil.copy(empty_store, tmp_path)}"
    parameters = {
        "data": "digits",
        "space": str(tmp_path / "small.yaml"),
        "search": "random",
        "trials": "2",
        "epochs": "1",
        "workers": "1",
    }
    (tmp_path / "small.yaml").write_text(SMALL)
    parameters |= {"study": str(tmp_path / "one")}
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    ran = projects.run(str(ROOT), parameters=parameters, env_manager="local")
    assert ran.get_status() == "FINISHED"
    runs = stored_runs(store)
    top = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    assert [run.info.status for run in top] == ["FINISHED"]
    assert top[0].data.tags["mlflow.source.type"] == "PROJECT"
    children = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == top[0].info.run_id]
    assert len(children) == 2


def stored_runs(store):
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=store)
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    return client.search_runs(experiments)


def test_mlflow_quotes_a_value_into_one_word():
    from mlflow.projects import _project_spec

    entry_point = _project_spec.load_project(str(ROOT)).get_entry_point("main")
    words = shlex.split(entry_point.compute_command({"data": "my photos; rm -r x", "time": ""}, None))
    assert words[words.index("--data") + 1] == "my photos; rm -r x"
    assert words[words.index("--time") + 1] == ""
