"""Copied and moved folders through the real command line: of one study, and of a project with MLflow's store."""

import json
import shutil

import pytest
from mlflow import MlflowClient

from pipeline.cli import main
from pipeline.tracking import own_run

pytestmark = pytest.mark.usefixtures("only_tested")


@pytest.fixture
def mine(tune, here):
    assert tune("--trials", "1", "--quiet") == 0
    return here / "studies" / "mine"


def run_of(folder):
    return json.loads((folder / "study.json").read_text())["run"]


def active(project, run):
    """The numbers of the trials below a study's run, with None for that itself, as far as they are not deleted."""
    client = MlflowClient(f"sqlite:///{project}/mlflow.db")
    runs = client.search_runs([client.get_experiment_by_name("convtune").experiment_id])
    family = [one for one in runs if run in (one.info.run_id, one.data.tags.get("mlflow.parentRunId"))]
    return sorted((one.data.tags.get("number") for one in family), key=str)


def test_a_copy_of_a_study_leaves_its_runs_alone(mine, here, capsys):
    copy = shutil.copytree(mine, here / "studies" / "copy")
    capsys.readouterr()
    assert main(["delete", "copy", "--yes", "--models"]) == 0
    first, stay, last = capsys.readouterr().out.splitlines()
    assert stay == f"  its runs and models stay in MLflow, since {mine} holds the same study"
    assert "run" not in first + last
    assert not copy.exists()
    assert active(here, run_of(mine)) == ["0", None]

    shutil.copytree(mine, copy)
    assert main(["tune", "studies/copy/job.yaml", "--trials", "2", "--quiet"]) == 0
    own = run_of(copy)
    said = f"copy is a copy of {mine}, whose run in MLflow stays as it is; it has a run of its own, {own}"
    assert said in capsys.readouterr().err
    assert active(here, own) == ["0", "1", None]
    assert active(here, run_of(mine)) == ["0", None]
    assert main(["tune", "--study", "mine", "--trials", "2", "--quiet"]) == 0
    assert main(["sync", "copy"]) == 0
    assert "copy of" not in capsys.readouterr().err
    assert run_of(copy) == own

    mine.rename(here / "moved")
    assert main(["delete", "./moved", "--yes"]) == 0
    assert active(here, run_of(copy)) == ["0", "1", None]
    assert main(["delete", "copy", "--yes"]) == 0
    assert active(here, own) == []


def test_a_project_copied_with_its_store_has_runs_of_its_own(mine, here, tmp_path_factory, monkeypatch, capsys):
    run = run_of(mine)
    other = shutil.copytree(here, tmp_path_factory.mktemp("elsewhere") / "project")
    monkeypatch.chdir(other)
    assert main(["tune", "--study", "mine", "--trials", "2", "--quiet"]) == 0
    assert "copy of" not in capsys.readouterr().err
    assert active(other, run) == ["0", "1", None]
    assert main(["delete", "mine", "--yes"]) == 0
    assert active(other, run) == []
    assert active(here, run) == ["0", None]
    moved = here.rename(other.with_name("moved"))
    monkeypatch.chdir(moved)
    assert main(["sync", "mine"]) == 0
    assert main(["delete", "mine", "--yes"]) == 0
    assert active(moved, run) == []
    monkeypatch.chdir(moved.parent)  # the old place is gone


def test_a_copy_on_another_host_leaves_the_runs_alone_until_it_goes_on(tune, here, monkeypatch, capsys):
    monkeypatch.setattr(own_run, "_base", lambda client: None)  # the store is as one on a server
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr("socket.gethostname", lambda: "laptop")
        assert tune("--trials", "1", "--quiet") == 0
    there = here / "studies" / "mine"
    run = run_of(there)
    for name in ("copy", "moved"):
        shutil.copytree(there, here / name)
    there.rename(here / "unseen")
    capsys.readouterr()
    assert main(["delete", "./copy", "--yes"]) == 0
    stay = f"  its runs and models stay in MLflow, since they belong to {there} on host laptop"
    moved = "if this is that study, moved, first run `convtune sync ./copy`"
    assert f"{stay}; {moved}" in capsys.readouterr().out.splitlines()
    assert active(here, run) == ["0", None]
    for said in (1, 0):
        assert main(["sync", "./moved"]) == 0
        taken = f"moved goes on with the run in MLflow of {there} on host laptop; it counts as that of this folder now"
        assert capsys.readouterr().err.count(taken) == said
    assert main(["delete", "./moved", "--yes"]) == 0
    assert active(here, run) == []
