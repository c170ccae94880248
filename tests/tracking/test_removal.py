"""What MLflow holds of a study, and how it is deleted."""

import pytest
from mlflow.entities import ViewType
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID, MLFLOW_SOURCE_NAME

from pipeline.errors import TrackingError
from pipeline.study.trial import TrialState
from pipeline.tracking import connect
from pipeline.tracking.removal import find_runs
from pipeline.tracking.view import TAG, key_of
from tests.tracking.records import make_record


@pytest.fixture
def ended(store, client, begin_study):
    """The run of a study that has ended with two trials and two models, one of them registered as the champion."""
    tracker = connect(store)
    run = begin_study(tracker)
    for number in (0, 1):
        tracker.trial_started(make_record(number))
        tracker.trial_ended(make_record(number, TrialState.COMPLETE, 0.9, epochs=1, seconds=1.0))
    tracker.end_study("FINISHED", {}, "It ended.", {})
    tracker.close()
    assert tracker.problems == []
    experiment = client.get_run(run).info.experiment_id
    kept, idle = (client.create_logged_model(experiment, name, run) for name in ("kept", "idle"))
    name = f"pets-{run[:6]}"
    client.create_registered_model(name)
    client.create_model_version(name, kept.artifact_location, run, model_id=kept.model_id)
    client.set_registered_model_alias(name, "champion", "1")
    return run, name, {kept.model_id: True, idle.model_id: False}


def models(client, run):
    experiment = client.get_run(run).info.experiment_id
    return {model.model_id for model in client.search_logged_models([experiment], f"source_run_id = '{run}'")}


def active_children(client, run):
    tag = f"tags.`{MLFLOW_PARENT_RUN_ID}` = '{run}'"
    return client.search_runs([client.get_run(run).info.experiment_id], tag, ViewType.ACTIVE_ONLY)


def test_the_runs_go_and_what_is_registered_stays(store, client, ended):
    run, name, logged = ended
    experiment = client.get_run(run).info.experiment_id
    below = {MLFLOW_PARENT_RUN_ID: run}
    other_study = below | {MLFLOW_SOURCE_NAME: "convtune", "study": "another"}
    strangers = {client.create_run(experiment, tags=tags).info.run_id for tags in (below, other_study)}
    found = find_runs(run, store)
    assert (len(found.runs), found.runs[-1], found.others) == (3, run, 2)
    assert list(map(str, found.versions)) == [f"version 1 of {name} (champion)"]
    assert TAG + key_of(run) in client.get_experiment(experiment).tags
    found.delete(models=False)
    assert client.get_run(run).info.lifecycle_stage == "deleted"
    assert {child.info.run_id for child in active_children(client, run)} == strangers
    assert models(client, run) == {model for model, kept in logged.items() if kept}
    assert client.get_model_version_by_alias(name, "champion").run_id == run
    assert TAG + key_of(run) not in client.get_experiment(experiment).tags
    assert find_runs(run, store).runs == ()
    find_runs(run, store).delete(models=False)


def test_what_is_registered_goes_too_if_that_is_wanted(store, client, ended):
    run, name, _ = ended
    find_runs(run, store).delete(models=True)
    assert models(client, run) == set()
    assert client.get_registered_model(name).aliases == {}
    with pytest.raises(MlflowException, match="not found"):
        client.get_model_version(name, "1")


def test_a_store_that_does_not_have_the_study(store, tmp_path):
    with pytest.raises(TrackingError, match=r"does not have the study's run 0+; set MLFLOW_TRACKING_URI"):
        find_runs("0" * 32, store)
    with pytest.raises(TrackingError, match="no such file"):
        find_runs("0" * 32, f"sqlite:///{tmp_path}/none.db")
    assert find_runs("", store).runs == ()
