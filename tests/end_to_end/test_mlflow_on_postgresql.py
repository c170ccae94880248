"""Real studies on a real MLflow server as teams run it: PostgreSQL behind it, and it hands out the artifacts itself."""

import json
from pathlib import Path

import mlflow.artifacts
import pytest
from mlflow import MlflowClient

from pipeline.cli import main
from pipeline.export.mlflow_model import required_packages
from tests.end_to_end.conftest import TINY
from tests.mlflow_server import MlflowServer

pytestmark = pytest.mark.slow

FLAGS = ("--data", "digits", "--space", "tiny.yaml", "--epochs", "1", "--executor", "inline")


@pytest.fixture(scope="module")
def server(postgresql, tmp_path_factory):
    address = postgresql.address(postgresql.new_database()).replace("postgresql:", "postgresql+psycopg:")
    server = MlflowServer(tmp_path_factory.mktemp("server"), address, "tests.mlflow_command")
    server.start()
    yield server
    server.close()


@pytest.fixture
def convtune(server, here, monkeypatch, capsys):
    """Runs a command beside ``tiny.yaml``, on the server without a model; returns what it prints."""

    def run(*words, expect=0):
        assert main(words) == expect
        return capsys.readouterr()

    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.address)
    (here / "tiny.yaml").write_text(TINY)
    yield run
    MlflowClient(server.address).delete_registered_model("convtune-digits")


@pytest.mark.usefixtures("undrawn")
def test_each_trial_is_there_once_and_the_model_can_be_read(server, convtune, tmp_path):
    told = convtune("tune", *FLAGS, "--study", "mine", "--trials", "2").err
    assert server.address not in told  # every line about something missing begins with it
    (study,) = [run for run in server.studies() if run.info.run_name == "mine"]
    assert study.info.status == "FINISHED"
    assert study.info.artifact_uri.startswith("mlflow-artifacts:/")
    trials = server.trials(study.info.run_id)
    assert [(run.data.tags["number"], run.info.status) for run in trials] == [("0", "FINISHED"), ("1", "FINISHED")]
    assert [run.data.metrics["epochs"] for run in trials] == [1, 1]

    client = MlflowClient(server.address)
    (version,) = client.search_model_versions(f"run_id = '{study.info.run_id}'")
    assert client.get_registered_model(version.name).aliases == {"champion": version.version}
    folder = mlflow.artifacts.download_artifacts(version.source, dst_path=str(tmp_path), tracking_uri=server.address)
    assert set(required_packages()) <= set((Path(folder) / "requirements.txt").read_text().split())
    assert (Path(folder) / "data" / "model.keras").stat().st_size > 0
    board = client.download_artifacts(study.info.run_id, "leaderboard.json", str(tmp_path))
    assert len(json.loads(Path(board).read_text())["data"]) == 2


def test_a_server_that_takes_no_files_has_the_rest_and_the_model_later(server, convtune, here, tmp_path):
    """Only its folder of artifacts is broken, and then mended."""
    client = MlflowClient(server.address)
    with server.refusing_files():
        told = convtune("tune", *FLAGS, "--study", "kept", "--trials", "1").err
        (line,) = [line for line in told.splitlines() if "artifact store" in line]
        assert line.startswith(f"warning: {server.address}: the artifact store mlflow-artifacts:/")
        assert "metrics are in MLflow, files and models only in the study's folder" in line
        assert line.endswith("later, `convtune sync kept` sends what is missing")
        (study,) = [run.info.run_id for run in server.studies() if run.info.run_name == "kept"]
        (trial,) = server.trials(study)
        assert (trial.info.status, trial.data.params["blocks"]) == ("FINISHED", "2")
        best = client.get_run(study).data.metrics["val_accuracy"]
        assert best == pytest.approx(trial.data.metrics["score"], abs=1e-5)
        assert client.search_model_versions(f"run_id = '{study}'") == []
        assert "the artifact store mlflow-artifacts:/" in convtune("sync", "kept", expect=1).err
    sent = convtune("sync", "kept").out
    assert "Runs of trials: 0 of 1 were missing" in sent
    assert ", version 1: the first champion" in sent
    (version,) = client.search_model_versions(f"run_id = '{study}'")
    assert client.get_registered_model(version.name).aliases == {"champion": "1"}
    model = mlflow.artifacts.download_artifacts(version.source, dst_path=str(tmp_path), tracking_uri=server.address)
    best_file = here / "studies" / "kept" / "best.keras"
    assert Path(model, "data", "model.keras").read_bytes() == best_file.read_bytes()
    assert {file.path for file in client.list_artifacts(study)} >= {"job.yaml", "trials.csv", "report.html", "plots"}
