"""MLflow's store, and the storage of studies in a folder."""

import errno
import os

import pytest

from pipeline.doctor.finding import Level
from pipeline.doctor.services import check_storage, check_tracking


def test_a_store_that_answers_and_one_that_is_not_there_yet(here):
    before = sorted(here.iterdir())
    assert [str(finding) for finding in check_tracking()] == [f"sqlite:///{here}/mlflow.db answers"]
    (here / "mlflow.db").unlink()
    [finding] = check_tracking()
    assert (finding.level, finding.fact) == (Level.OK, f"{here}/mlflow.db will be made by the first study")
    assert sorted(here.iterdir()) == [path for path in before if path.name != "mlflow.db"]


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("secret", "Connection refused"),
        ("a secret", "Connection refused"),
        ("a/b secret", "Invalid url: http://127.0.0.1:9/api"),
    ],
)
def test_a_server_that_does_not_answer_is_named_without_its_password(monkeypatch, password, why):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://me:{password}@127.0.0.1:9")
    [finding] = check_tracking()
    assert finding.level is Level.PROBLEM
    assert finding.fact.startswith(f"http://127.0.0.1:9: MLflow's store cannot be used: {why}")
    assert "MLFLOW_TRACKING_URI" in str(finding)
    assert "secret" not in str(finding)


def test_storage(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert [finding.level for finding in check_storage()] == [Level.OK]

    def refuse(fd, operation):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("fcntl.flock", refuse)
    [finding] = check_storage()
    assert finding.level is Level.PROBLEM
    assert "cannot lock files (No locks available)" in finding.fact
    assert list(tmp_path.iterdir()) == []
