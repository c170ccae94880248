"""``convtune delete``; what becomes of MLflow's runs is in ``tests/tracking/test_removal.py``."""

import io
import os
import pty

import pytest
from mlflow import MlflowClient

from pipeline.cli import main
from pipeline.study.database import ServerDatabase, note_database
from pipeline.study.fingerprint import StudyFingerprint, write_fingerprint
from pipeline.study.lock import locked
from pipeline.study.paths import StudyPaths


@pytest.fixture
def run(here):
    """The run of a study in the store of this folder."""
    client = MlflowClient(f"sqlite:///{here}/mlflow.db")
    return client.create_run(client.get_experiment_by_name("convtune").experiment_id).info.run_id


@pytest.fixture
def study(here, run):
    paths = StudyPaths(here / "studies" / "mine")
    paths.trial(0).mkdir(parents=True)
    paths.job.write_text("data: digits\n")
    write_fingerprint(paths, StudyFingerprint("s", "d", 3, 0, run))
    return paths


@pytest.fixture
def typed(monkeypatch):
    """Puts a terminal in the place of the input, where somebody types a text."""
    ours, theirs = pty.openpty()
    with os.fdopen(theirs) as terminal:
        monkeypatch.setattr("sys.stdin", terminal)
        yield lambda text: os.write(ours, text)
    os.close(ours)


def test_it_asks_and_does_nothing_without_a_yes(here, study, run, typed, capsys):
    typed(b"\n")
    assert main(["delete", "mine"]) == 1
    first, store, last = capsys.readouterr().out.splitlines()
    assert first.startswith("studies/mine: 1 trial, ")
    assert first.endswith(" bytes, 1 run")
    assert store == f"  the runs are in sqlite:///{here}/mlflow.db"
    assert last == "Delete that? [y/N] Nothing was deleted."
    assert study.job.is_file()
    typed(b"y\n")
    assert main(["delete", "mine"]) == 0
    assert "Deleted: 1 trial, " in capsys.readouterr().out
    assert not study.path.exists()
    assert MlflowClient(f"sqlite:///{here}/mlflow.db").get_run(run).info.lifecycle_stage == "deleted"


def refused(capsys, *words):
    assert main(["delete", *words]) == 2
    return capsys.readouterr().err.splitlines()[-1]


def test_where_nobody_can_be_asked(study, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert refused(capsys, "mine").startswith("convtune: --yes: nobody can be asked, since the input is not a terminal")
    assert study.job.is_file()


def test_a_study_that_runs(study, capsys):
    with locked(study):
        assert f"another process runs this study (process {os.getpid()} on host" in refused(capsys, "mine", "--yes")
    assert study.job.is_file()


def test_without_its_server_nothing_goes_unless_what_is_there_is_kept(study, capsys):
    note_database(study, ServerDatabase("postgresql://127.0.0.1:9/trials", "mine"))
    assert refused(capsys, "mine", "--yes").endswith("; --keep-runs deletes the folder alone")
    assert study.job.is_file()
    assert main(["delete", "mine", "--yes", "--keep-runs"]) == 0
    stays = "its trials stay, since it does not answer, in postgresql://127.0.0.1:9/trials, as study 'mine'"
    assert stays in capsys.readouterr().out
    assert not study.path.exists()


def test_without_mlflow_nothing_goes_unless_the_runs_are_kept(study, here, capsys, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:se/cr@et@127.0.0.1:9")
    line = refused(capsys, "mine", "--yes")
    assert line.startswith("convtune: http://127.0.0.1:9: MLflow's store cannot be used: ")
    assert "cr@et" not in line
    assert line.endswith("; --keep-runs deletes the folder alone")
    assert study.job.is_file()
    assert main(["delete", "mine", "--yes", "--keep-runs"]) == 0
    assert not study.path.exists()


def test_a_study_whose_runs_are_unknown(study, capsys):
    study.fingerprint.write_text("{")
    assert "study.json: unreadable, so it is unknown which runs" in refused(capsys, "mine", "--yes")
    assert main(["delete", "mine", "--yes", "--keep-runs"]) == 0
    assert not study.path.exists()


def test_models_of_runs_that_are_kept_cannot_be_deleted(study, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["delete", "mine", "--keep-runs", "--models"])
    assert "not allowed with" in capsys.readouterr().err
