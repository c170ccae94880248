"""A finished study is sent to an empty store, with its model."""

import json
import shutil

import pytest
from mlflow import MlflowClient

from pipeline.cli import main
from pipeline.search.optuna_study import load_trials

pytestmark = pytest.mark.slow


def test_a_study_in_an_empty_store(home, study, here, capsys, undrawn):
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
