"""A server without logged models, as of MLflow 2: the model is an artifact of the study's run, and all else is as ever.

``CONVTUNE_OLD_MLFLOW`` may be the address of a real MLflow 2, which is then asked instead of the proxy.
"""

import os
from contextlib import nullcontext
from pathlib import Path
from uuid import uuid4

import mlflow
import mlflow.pyfunc
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

from pipeline.metrics import ACCURACY
from pipeline.steps.delete_study import Deletion
from pipeline.study.database import database_of
from pipeline.study.paths import StudyPaths
from pipeline.study.removal import look_into
from pipeline.study.trial import TrialState
from pipeline.tracking import ModelDecision, Registration, connect, prepare_pages, promote
from pipeline.tracking.removal import find_runs
from pipeline.tracking.view import TAG, key_of
from tests import old_mlflow
from tests.mlflow_server import MlflowServer
from tests.tracking.records import make_record

pytestmark = pytest.mark.slow

OLD = os.environ.get("CONVTUNE_OLD_MLFLOW")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    if OLD:
        yield OLD
        return
    server = MlflowServer(tmp_path_factory.mktemp("server"))
    server.start()
    yield server.address
    server.close()


@pytest.fixture
def old(server, monkeypatch):
    """The address of a server without logged models."""
    with nullcontext(server) if OLD else old_mlflow.without_logged_models(server, old_mlflow.HTML) as address:
        monkeypatch.setattr("mlflow.tracking._tracking_service.utils._tracking_uri", address)
        yield address


@pytest.fixture
def name():
    return f"pets-{uuid4().hex[:8]}"


def registration(name, score, trial=7):
    return Registration(name, "mine", score, ACCURACY, "d" * 64, {"study": "mine", "trial": str(trial)})


def files_of(address, run, folder):
    store = get_artifact_repository(MlflowClient(address).get_run(run).info.artifact_uri, address)
    return {file.path for file in store.list_artifacts(folder)}


@pytest.fixture
def study(old, begin_study, folder, name, capsys, tmp_path):
    """The run of a study that has ended with two trials, and registered first the one, later the better other."""
    tracker = connect(old)
    run = begin_study(tracker)
    for plot in ("old.svg", "new.svg"):
        (tmp_path / plot).write_text("<svg/>")
        tracker.log_artifact(tmp_path / plot, "plots")
    tracker.remove_artifacts("plots", ["old.svg", "older.svg"])
    for number in (0, 1):
        tracker.trial_started(make_record(number))
        tracker.trial_ended(make_record(number, TrialState.COMPLETE, 0.9, epochs=1, seconds=1.0))
    assert tracker.register_best(folder, registration(name, 0.8, 0)) == ModelDecision(1, True, "the first champion")
    (said,) = capsys.readouterr().err.splitlines()
    assert said == f"{old} keeps no logged models (MLflow 2?): the model is an artifact of its run"
    better = ModelDecision(2, True, "0.9000 beats 0.8000 of version 1")
    assert tracker.register_best(folder, registration(name, 0.9, 1)) == better
    assert tracker.has_registered(1)
    assert not tracker.has_registered(7)
    tracker.end_study("FINISHED", {}, "It ended.", {})
    tracker.close()
    assert tracker.problems == []
    return run


def test_the_model_is_registered_from_the_runs_artifacts(old, study, name):
    client = MlflowClient(old)
    version = client.get_model_version_by_alias(name, "champion")
    run = client.get_run(study)
    assert (version.run_id, version.source) == (study, f"{run.info.artifact_uri}/models/mine-trial-1")
    assert files_of(old, study, "models") == {"models/mine-trial-0", "models/mine-trial-1"}
    assert files_of(old, study, "plots") == {"plots/new.svg"}
    model = mlflow.pyfunc.load_model(f"models:/{name}@champion")
    assert model.predict([1.0, 2.0]) == [42.0, 42.0]
    assert model.metadata.run_id == study
    assert run.data.metrics["val_accuracy"] == 0.9
    assert promote(study, old) == f"version 2 of {name} is the champion already"
    assert "/runs" in prepare_pages(study, "mine", ACCURACY, {}, old).trials


@pytest.mark.parametrize("models", [False, True])
def test_a_study_is_deleted(old, study, name, models, tmp_path):
    found = find_runs(study, old)
    assert [version.in_run for version in found.versions] == [True, True]
    paths = StudyPaths(tmp_path)
    said = "\n".join(Deletion(paths, database_of(paths), look_into(paths), found, models).describe())
    assert ("its files are those of the study's run, which `mlflow gc` would remove; --models" in said) is not models
    client, view = MlflowClient(old), TAG + key_of(study)
    experiment = client.get_run(study).info.experiment_id
    assert client.get_experiment(experiment).tags[view]
    found.delete(models)
    assert not client.get_experiment(experiment).tags.get(view)
    assert client.get_run(study).info.lifecycle_stage == "deleted"
    versions = client.search_model_versions(f"name = '{name}'")
    assert [int(version.version) for version in versions] == ([] if models else [2, 1])
    if not models:
        source = client.get_model_version_download_uri(name, "2")
        assert Path(mlflow.artifacts.download_artifacts(source, dst_path=str(tmp_path)), "MLmodel").exists()


def test_an_exported_model_is_pushed(old, folder, name):
    tracker = connect(old)
    pushed = tracker.push(folder, registration(name, 0.9), "staging", None)
    tracker.close()
    assert pushed == f"version 1 of {name} is its staging now"
    assert mlflow.pyfunc.load_model(f"models:/{name}@staging").predict([1.0]) == [42.0]


@pytest.mark.skipif(bool(OLD), reason="it has its own answer")
@pytest.mark.parametrize("answer", [old_mlflow.JSON, old_mlflow.CODED, old_mlflow.METHOD])
def test_servers_say_in_many_ways_that_they_know_no_logged_models(server, folder, name, begin_study, answer):
    with old_mlflow.without_logged_models(server, answer) as address:
        tracker = connect(address)
        run = begin_study(tracker)
        assert tracker.register_best(folder, registration(name, 0.9)).version == 1
        tracker.close()
        find_runs(run, address).delete(models=True)


@pytest.mark.skipif(bool(OLD), reason="it has its own answer")
@pytest.mark.parametrize("status", [403, 503])
def test_a_server_that_refuses_or_is_away_is_not_an_old_one(server, folder, name, begin_study, status, monkeypatch):
    with old_mlflow.without_logged_models(server, (status, "text/plain", b"no")) as address:
        tracker = connect(address)
        run = begin_study(tracker)
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        assert "not registered" in tracker.register_best(folder, registration(name, 0.9)).reason
        assert files_of(address, run, "models") == set()
        with pytest.raises(MlflowException):
            MlflowClient(address).get_registered_model(name)
        tracker.close()
