"""A study that a program runs within a run of its own, as ``with mlflow.start_run()``. Training is made up."""

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

import pipeline
from pipeline.executors import EXECUTORS
from tests.end_to_end.pretend import PRETEND, SPACE


@pytest.fixture
def client(here, monkeypatch):
    """A client of the store in the current folder, which ``mlflow.start_run`` uses too until the test ends."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{here}/mlflow.db")
    monkeypatch.setattr("mlflow.tracking._tracking_service.utils._tracking_uri", None)
    return MlflowClient()


def test_the_study_is_below_the_users_run_which_goes_on(here, client, monkeypatch, only_tested, capsys):
    monkeypatch.setitem(EXECUTORS, "inline", PRETEND)
    (here / "mine.yaml").write_text(SPACE)
    with mlflow.start_run(run_name="nightly") as nightly:
        before = client.get_run(nightly.info.run_id).to_dictionary()
        study = pipeline.tune(data="digits", space="mine.yaml", trials=2, epochs=1, executor="inline", study="mine")
        assert client.get_run(nightly.info.run_id).to_dictionary() == before
        assert mlflow.active_run().info.run_id == nightly.info.run_id
    run = client.get_run(study.fingerprint.run)
    assert run.data.tags[MLFLOW_PARENT_RUN_ID] == nightly.info.run_id
    assert (run.info.experiment_id, run.info.status) == (nightly.info.experiment_id, "FINISHED")
    assert "warning: " not in capsys.readouterr().err
    trials = client.search_runs(["0"], f"tags.`{MLFLOW_PARENT_RUN_ID}` = '{run.info.run_id}'")
    assert [trial.data.tags["number"] for trial in trials] == ["1", "0"]
