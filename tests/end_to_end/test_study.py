"""What a user finds after one real study, and what the other commands make of it."""

import csv
import json
import os
import shutil
import sqlite3
import subprocess
import sys

import keras
import numpy as np
import pytest
import yaml
from mlflow import MlflowClient
from PIL import Image

from pipeline.cli import main
from pipeline.data import load
from pipeline.metrics import METRICS
from pipeline.search.optuna_study import load_trials
from pipeline.study.model_metadata import read_metadata
from pipeline.training.predict import predict_dataset
from pipeline.training.runnable_model import RunnableModel
from tests.end_to_end.conftest import ROOT, Shell, shell_with_space

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def home(tmp_path_factory, empty_store) -> Shell:
    folder = tmp_path_factory.mktemp("user")
    shutil.copy(empty_store, folder)
    return shell_with_space(folder)


@pytest.fixture(scope="module")
def study(home):
    """A finished study of three trials named ``first``; what the command printed."""
    flags = "--data digits --space tiny.yaml --trials 3 --epochs 2 --workers 1 --try blocks=1,filters=4"
    return home.run("tune", *flags.split(), "--study", "first")


@pytest.fixture(scope="module")
def client(home, study):
    return MlflowClient(f"sqlite:///{home.folder}/mlflow.db")


@pytest.fixture(scope="module")
def runs(client):
    experiment = client.get_experiment_by_name("convtune")
    found = client.search_runs([experiment.experiment_id], "tags.mlflow.runName = 'first'")
    assert len(found) == 1
    children = client.search_runs([experiment.experiment_id], f"tags.`mlflow.parentRunId` = '{found[0].info.run_id}'")
    return found[0], sorted(children, key=lambda run: run.info.run_name)


def test_the_command_says_what_it_found_and_what_to_do_next(study):
    for part in ("rank", "Test accuracy of the best model", "first/best.keras", "convtune ui", "convtune export first"):
        assert part in study.stdout


def test_libraries_say_nothing(study):
    lines = study.stderr.splitlines()
    assert lines
    own = ("digits: 1,797 images 8x8x1, ", "classes: 0 (178), 1 (182), ", "1,797 pictures of 8x8: ", "trial ")
    assert all(line.startswith(own) or line.endswith(" ...") for line in lines), study.stderr


def test_the_folder_holds_files_a_person_can_open(home, study):
    folder = home.folder / "studies" / "first"
    job = yaml.safe_load((folder / "job.yaml").read_text())
    assert (job["data"], job["trials"], job["study"]) == ("digits", 3, "first")
    rows = list(csv.DictReader((folder / "trials.csv").open()))
    assert [row["trial"] for row in rows] == ["0", "1", "2"]
    history = list(csv.DictReader((folder / "trials" / "0000" / "history.csv").open()))
    assert [row["epoch"] for row in history] == ["1", "2"]
    assert float(history[0]["val_accuracy"]) > 0
    assert sqlite3.connect(folder / "optuna.db").execute("select count(*) from trials").fetchone()[0] >= 3


@pytest.fixture(scope="module")
def trials(home, study):
    """What ``convtune trials`` says of the study."""
    return json.loads(home.run("trials", "first", "--json").stdout)


def test_hand_picked_points_were_tried_first(trials):
    assert trials[0]["params"]["blocks"] == 1
    assert trials[0]["params"]["filters_1"] == 4
    assert trials[1]["params"]["learning_rate"] == 0.02
    assert set(trials[0]) == {"trial", "state", "score", "params", "epochs", "seconds", "parameters", "macs", "reason"}


def test_every_trial_is_a_child_run_with_its_true_status(runs, trials):
    parent, children = runs
    assert parent.info.status == "FINISHED"
    statuses = {"complete": "FINISHED", "pruned": "KILLED", "failed": "FAILED"}
    assert [run.info.status for run in children] == [statuses[trial["state"]] for trial in trials]
    assert children[0].data.params["blocks"] == "1"
    assert children[0].data.metrics["parameters"] == trials[0]["parameters"]


def test_every_epoch_is_a_metric_under_kerass_name_at_its_step(client, runs):
    every = [f"val_{name}" for name in METRICS]
    for name in ("loss", "accuracy", "val_loss", *every):
        history = client.get_metric_history(runs[1][0].info.run_id, name)
        assert [metric.step for metric in history] == [1, 2]


def test_the_parent_run_holds_the_study(client, runs):
    parent, children = runs
    names = {file.path for file in client.list_artifacts(parent.info.run_id)}
    assert {"job.yaml", "space.yaml", "trials.csv", "test.json", "plots", "report.html"} <= names
    plots = {file.path for file in client.list_artifacts(parent.info.run_id, "plots")}
    assert {f"plots/{name}.png" for name in ("history", "parallel", "slices", "timeline", "confusion")} <= plots
    assert {"val_accuracy", *(f"test_{name}" for name in METRICS)} <= set(parent.data.metrics)
    assert parent.inputs.dataset_inputs[0].dataset.name == "digits"
    assert [run.data.tags.get("best") for run in children].count("true") == 1


def test_the_best_model_is_the_registrys_champion_and_loads_there(client, home, study):
    champion = client.get_model_version_by_alias("convtune-digits", "champion")
    assert int(champion.version) == 1
    code = (
        "import gc, sys\n"
        "gc.disable()  # TensorFlow is imported sooner so\n"
        "import mlflow, numpy as np\n"
        "model = mlflow.pyfunc.load_model('models:/convtune-digits@champion')\n"
        "out = model.predict(np.zeros((2, 20, 9, 1), np.uint8))\n"
        "print(*out.columns, 'pipeline' in sys.modules)\n"
    )
    environment = os.environ | {"MLFLOW_TRACKING_URI": f"sqlite:///{home.folder}/mlflow.db"}
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=home.folder, env=environment, capture_output=True, text=True, timeout=200
    )
    assert run.stdout.splitlines()[-1].strip() == "0 1 2 3 4 5 6 7 8 9 False", run.stderr


def test_the_best_model_takes_raw_pixels_and_knows_its_classes(home, study):
    best = home.folder / "studies" / "first" / "best.keras"
    model = keras.saving.load_model(best)
    probabilities = model.predict(np.zeros((1, 8, 8, 1), np.uint8), verbose=0)
    assert probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert read_metadata(best).classes == tuple("0123456789")


@pytest.fixture
def in_process(home, study, monkeypatch, capsys):
    """Runs a command in the folder of the finished study, in this process; returns what it prints."""

    def run(*command, expect=0):
        assert main([str(word) for word in command]) == expect
        return capsys.readouterr()

    monkeypatch.chdir(home.folder)
    return run


def test_sync_sends_the_study_to_an_empty_store(home, study, here, capsys, undrawn):
    folder = here / "studies" / "first"

    def convtune(*words):
        assert main(words) == 0
        return capsys.readouterr().out

    shutil.copytree(home.folder / "studies" / "first", folder)
    trials = len(load_trials(str(folder))[1])
    sent = convtune("sync", "first")
    assert f"Runs of trials: {trials} of {trials} were missing" in sent
    name = json.loads((home.folder / "studies" / "first" / "test.json").read_text())["best_model"]["registered_as"]
    assert f"{name}, version 1: the first champion" in sent
    client = MlflowClient(f"sqlite:///{here}/mlflow.db")
    run = json.loads((folder / "study.json").read_text())["run"]
    parent = client.get_run(run)
    before = MlflowClient(f"sqlite:///{home.folder}/mlflow.db").get_run(
        json.loads((home.folder / "studies" / "first" / "study.json").read_text())["run"]
    )
    assert parent.info.status == before.info.status == "FINISHED"
    assert parent.data.metrics == before.data.metrics
    now = {name: before.data.tags.get(name, value) for name, value in before.data.params.items()}  # a tag once changed
    assert parent.data.params == now
    assert parent.inputs.dataset_inputs[0].dataset.digest == before.inputs.dataset_inputs[0].dataset.digest
    assert {file.path for file in client.list_artifacts(run)} >= {"report.html", "explain", "plots", "trials.csv"}
    again = convtune("sync", "first")
    assert f"Runs of trials: 0 of {trials}" in again
    assert "Model:" not in again
    assert len(client.search_model_versions(f"run_id = '{run}'")) == 1
    assert "already registered as version 1" in convtune("tune", "--study", "first", "--executor", "inline")


@pytest.mark.usefixtures("undrawn")
def test_running_the_same_study_again_adds_nothing_and_a_higher_total_goes_on(home, in_process):
    again = ("tune", "--study", "first", "--executor", "inline")
    in_process(*again)
    assert len(json.loads(in_process("trials", "first", "--json").out)) == 3
    noted = json.loads((home.folder / "studies" / "first" / "test.json").read_text())
    assert noted["best_model"]["version"] == 1  # the same best model is not registered again
    in_process(*again, "--trials", "4", "--try", "blocks=2,filters=[8, 4]")
    trials = json.loads(in_process("trials", "first", "--json").out)
    assert [trial["trial"] for trial in trials] == [0, 1, 2, 3]
    assert [trials[3]["params"][f"filters_{block}"] for block in (1, 2)] == [8, 4]


@pytest.mark.parametrize(
    ("flags", "part"),
    [
        (["--data", "mnist5k"], "different data"),
        (["--set", "blocks=1"], "a different space"),
    ],
)
def test_another_space_or_dataset_under_an_old_name_is_refused(in_process, flags, part):
    refused = in_process("tune", "--study", "first", "--executor", "inline", *flags, expect=2)
    [line] = [line for line in refused.err.splitlines() if not line.endswith(" ...")]
    assert part in line


@pytest.mark.usefixtures("here_alone")
def test_export_predict_and_evaluate_the_winner(home, in_process):
    in_process("export", "first", "--output", "out", "--format", "keras")
    [model] = list((home.folder / "out").glob("*.keras"))
    digit = (np.arange(64).reshape(8, 8) * 4).astype(np.uint8)
    Image.fromarray(digit).save(home.folder / "digit.png")
    [answer] = json.loads(in_process("predict", model, "digit.png", "--json").out)
    assert set(answer) == {"file", "class", "probability", "probabilities"}
    assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-3)
    scores = json.loads(in_process("evaluate", model, "--data", "digits", "--json").out)
    noted = json.loads((home.folder / "studies" / "first" / "test.json").read_text())
    assert scores["scores"] == pytest.approx(noted["scores"], abs=1e-6)


def test_on_jax_a_study_needs_no_tensorflow_and_its_model_answers_the_same_with_it(shell):
    absent = shell.folder / "absent" / "tensorflow"
    absent.mkdir(parents=True)
    (absent / "__init__.py").write_text("raise ImportError('no TensorFlow here')\n")
    path = os.pathsep.join([str(absent.parent), str(ROOT)])
    flags = ("--data", "digits", "--space", "tiny.yaml", "--trials", "1", "--epochs", "2", "--workers", "1")
    shell.run("tune", *flags, "--study", "jax", KERAS_BACKEND="jax", PYTHONPATH=path)
    study = shell.folder / "studies" / "jax"
    found = json.loads((study / "test.json").read_text())
    assert found["scores"]["accuracy"] > 0.3  # chance is 0.1
    assert found["best_model"]["version"] > 0
    assert (study / "explain" / "index.html").is_file()
    data = load("digits", fetch=lambda name, folder: None)
    answers = predict_dataset(RunnableModel(study / "best.keras"), data, data.test).argmax(axis=1)
    assert (answers == data.labels[data.test]).mean() == pytest.approx(found["scores"]["accuracy"], abs=0.01)
