"""Where a study's run is put: in a run that is offered, below one that is active, in which experiment; what is said."""

import re

import pytest
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID, MLFLOW_RUN_NOTE

from pipeline.tracking import connect

NOWHERE = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def begun(store, begin_study, capsys):
    """Begins a study on a tracker of its own; its run's id, and the lines that are said."""

    def begun(run_id=None, **how):
        tracker = connect(store)
        capsys.readouterr()
        study = begin_study(tracker, run_id, **how)
        tracker.close()
        return study, capsys.readouterr().err.splitlines()

    return begun


@pytest.mark.parametrize("why", ["no such run in sqlite:////.*", "that run was deleted", "that run is the study other"])
def test_an_offered_run_that_cannot_be_used_is_one_line(begun, client, monkeypatch, why):
    wanted = client.create_run("0").info.run_id
    if "deleted" in why:
        client.delete_run(wanted)
    elif "study" in why:
        client.set_tag(wanted, "study", "other")
    else:
        wanted = NOWHERE
    monkeypatch.setenv("MLFLOW_RUN_ID", wanted)
    study, (line,) = begun()
    assert study != wanted
    start = f"warning: MLFLOW_RUN_ID={wanted}: "
    assert line.startswith(start)
    assert re.fullmatch(why + "; digits-quick has a run of its own", line.removeprefix(start))


def test_a_study_that_goes_on_stays_where_it_is_and_says_so(begun, client, monkeypatch):
    study, lines = begun()
    assert lines == []
    offered = client.create_run("0").info.run_id
    client.create_experiment("elsewhere")
    monkeypatch.setenv("MLFLOW_RUN_ID", offered)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "elsewhere")
    again, lines = begun(study, active=offered)
    assert again == study
    assert lines == [
        f"warning: MLFLOW_RUN_ID={offered}: digits-quick stays in its run {study}",
        "warning: MLFLOW_EXPERIMENT_NAME=elsewhere: digits-quick stays in the experiment 'convtune', where its run is",
        f"warning: the active run {offered} is not the parent: digits-quick stays where its run is",
    ]
    experiment = client.get_run(study).info.experiment_id
    monkeypatch.setenv("MLFLOW_RUN_ID", study)
    monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", experiment)
    assert begun(study) == (study, [])


def test_a_new_study_is_a_child_of_the_active_run_which_stays_as_it_is(begun, client, monkeypatch):
    experiment = client.create_experiment("users")
    active = client.create_run(experiment, run_name="nightly").info.run_id
    before = client.get_run(active).to_dictionary()
    study, lines = begun(active=active)
    assert lines == []
    run = client.get_run(study)
    assert (run.info.experiment_id, run.data.tags[MLFLOW_PARENT_RUN_ID]) == (experiment, active)
    assert begun(study, active=active) == (study, [])
    assert client.get_run(active).to_dictionary() == before


def test_an_active_run_of_another_store_is_no_parent(begun, client):
    study, (line,) = begun(active=NOWHERE)
    assert MLFLOW_PARENT_RUN_ID not in client.get_run(study).data.tags
    assert line.startswith(f"warning: the active run {NOWHERE} is not the parent: it is not in sqlite:///")


@pytest.mark.parametrize("theirs", ["My own words", ""])
def test_a_description_that_the_user_has_written_stays(store, begin_study, client, monkeypatch, capsys, theirs):
    """Also when the study goes on; without one, the study's own is written, at its end and at the next."""
    offered = client.create_run("0", tags={MLFLOW_RUN_NOTE: theirs} if theirs else {}).info.run_id
    monkeypatch.setenv("MLFLOW_RUN_ID", offered)
    for ours in ("It ended.", "It ended again."):
        tracker = connect(store)
        assert begin_study(tracker, offered if ours == "It ended again." else None) == offered
        tracker.end_study("FINISHED", {}, ours)
        tracker.close()
        assert client.get_run(offered).data.tags[MLFLOW_RUN_NOTE] == (theirs or ours)
    line = f"warning: the run {offered} of digits-quick keeps the description that it had"
    assert capsys.readouterr().err.splitlines() == ([line] * 2 if theirs else [])
