"""Memory, disk, MLflow's store, the storage and the studies of a folder."""

import errno
import os

import pytest

from pipeline.doctor import machine
from pipeline.doctor.finding import Level
from pipeline.doctor.machine import check_disk, check_memory, judge_disk
from pipeline.doctor.services import check_storage, check_tracking
from pipeline.doctor.studies import check_studies
from pipeline.search.stop_reason import StopReason
from pipeline.study.trial import TrialState
from tests.report.made_up import record, study


@pytest.mark.parametrize(
    ("free", "level"), [(500e6, Level.PROBLEM), (1.5e9, Level.NOTE), (1e12, Level.OK)], ids=["none", "few", "all"]
)
def test_memory(monkeypatch, free, level):
    monkeypatch.setattr(machine, "available_memory", lambda: int(free))
    monkeypatch.setattr(machine, "count_cores", lambda: 8)
    assert check_memory()[0].level is level


@pytest.mark.parametrize(("free", "level"), [(0.5e9, Level.PROBLEM), (2e9, Level.NOTE), (1e11, Level.OK)])
def test_disk(tmp_path, free, level):
    assert judge_disk("studies", tmp_path, free).level is level


def test_the_cache_is_looked_at_where_it_is_on_another_disk(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CONVTUNE_CACHE", str(tmp_path / "not" / "there"))
    assert [finding.fact.partition(" for ")[2].split()[0] for finding in check_disk()] == ["studies"]


def test_a_store_that_answers_and_one_that_is_not_there_yet(here):
    before = sorted(here.iterdir())
    assert [str(finding) for finding in check_tracking()] == [f"sqlite:///{here}/mlflow.db answers"]
    (here / "mlflow.db").unlink()
    [finding] = check_tracking()
    assert (finding.level, finding.fact) == (Level.OK, f"{here}/mlflow.db will be made by the first study")
    assert sorted(here.iterdir()) == [path for path in before if path.name != "mlflow.db"]


def test_a_server_that_does_not_answer_is_named_without_its_password(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:secret@127.0.0.1:9")
    [finding] = check_tracking()
    assert finding.level is Level.PROBLEM
    assert finding.fact.startswith("http://127.0.0.1:9: MLflow's store cannot be used: Connection refused")
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


def test_studies(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert [str(finding) for finding in check_studies()] == ["0 studies in studies"]
    study(tmp_path / "studies" / "done", [record(0, 0.9)], reason=StopReason.TRIALS_DONE)
    study(tmp_path / "studies" / "cut off", [record(0, None, TrialState.RUNNING)])
    study(tmp_path / "studies" / "torn", [record(0, 0.9)]).storage.write_text("no database")
    summary, cut, torn = check_studies()
    assert str(summary) == "3 studies in studies"
    assert (cut.level, torn.level) == (Level.NOTE, Level.PROBLEM)
    assert str(cut) == "cut off was interrupted after 1 trial; go on with `convtune tune --study 'cut off'`"
    assert str(torn).startswith("studies/torn/optuna.db: Optuna's storage failed (")
