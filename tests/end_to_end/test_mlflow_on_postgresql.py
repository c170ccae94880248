"""A real study on a real MLflow server as teams run it: PostgreSQL behind it, and it hands out the artifacts itself."""

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

FLAGS = ("--data", "digits", "--space", "tiny.yaml", "--epochs", "1", "--study", "mine", "--executor", "inline")


@pytest.fixture
def server(postgresql, tmp_path_factory):
    address = postgresql.address(postgresql.new_database()).replace("postgresql:", "postgresql+psycopg:")
    server = MlflowServer(tmp_path_factory.mktemp("server"), address)
    server.start()
    yield server
    server.stop()


def test_each_trial_is_there_once_and_the_model_can_be_read(server, here, tmp_path, monkeypatch, capsys, undrawn):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.address)
    (here / "tiny.yaml").write_text(TINY)
    assert main(["tune", *FLAGS, "--trials", "2"]) == 0
    assert server.address not in capsys.readouterr().err  # every line about something missing begins with it
    (study,) = server.studies()
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
