"""A project folder that was moved or copied with its store and its artifacts."""

import shutil

import pytest
from mlflow import MlflowClient
from mlflow.tracking._tracking_service.utils import _artifact_repos_cache

from pipeline.errors import TrackingError
from pipeline.tracking import connect
from pipeline.tracking.relocate import relocate


@pytest.fixture
def old(tmp_path, empty_store, monkeypatch, begin_study):
    """A project folder with the artifacts of one study, in an experiment of its own."""
    folder = tmp_path / "old"
    folder.mkdir()
    shutil.copy(empty_store, folder)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "team/digits")
    monkeypatch.chdir(folder)
    tracker = connect()
    (folder / "study").write_text(begin_study(tracker))
    tracker.close()
    monkeypatch.chdir(tmp_path)
    return folder


def client_of(folder):
    return MlflowClient(f"sqlite:///{folder}/mlflow.db")


@pytest.mark.parametrize("move", [shutil.move, shutil.copytree])
def test_a_study_goes_on_where_the_store_is_now(old, tmp_path, monkeypatch, begin_study, capsys, move):
    new = tmp_path / "new 50%"
    move(old, new)
    files_before = sorted(old.rglob("*"))
    study = (new / "study").read_text()
    monkeypatch.chdir(new)
    _artifact_repos_cache.clear()  # of this process; a project is moved between two
    tracker = connect()
    assert begin_study(tracker, study) == study
    tracker.log_artifact(new / "study")
    tracker.close()
    assert tracker.problems == []
    assert {file.path for file in client_of(new).list_artifacts(study)} == {"job.yaml", "study"}
    assert client_of(new).get_run(study).info.artifact_uri.startswith((new / "mlruns").as_uri())
    assert sorted(old.rglob("*")) == files_before
    assert f"{new}/mlflow.db: was moved here; its artifacts are in " in capsys.readouterr().err
    assert relocate(new / "mlflow.db") == []


def test_a_store_alone_keeps_its_artifacts_where_they_are(old, tmp_path):
    new = tmp_path / "new"
    new.mkdir()
    shutil.copy(old / "mlflow.db", new)
    assert relocate(new / "mlflow.db") == []


def test_a_place_that_the_user_chose_stays(old):
    for number, place in enumerate(("file:///mnt/share/mlruns/pictures", f"{old.parent}/mlruns/4")):
        client_of(old).create_experiment(f"shared {number}", place)
    assert relocate(old / "mlflow.db") == []


def test_a_damaged_store_is_one_line(old):
    store = old / "mlflow.db"
    with store.open("r+b") as content:
        content.seek(4096)
        content.write(b"x" * (store.stat().st_size - 4096))
    with pytest.raises(TrackingError, match=f"^{store}: damaged .*; put a copy of it back, or set MLFLOW_TRACKING_URI"):
        relocate(store)


def test_no_store_yet(tmp_path):
    assert relocate(tmp_path / "mlflow.db") == []
