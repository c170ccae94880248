"""The best model in MLflow's registry, and who is its champion."""

import json
import math
import os
import shlex
import subprocess
import sys
from uuid import uuid4

import mlflow.pyfunc
import pytest

from pipeline.tracking import ModelDecision


class Answer(mlflow.pyfunc.PythonModel):
    """A model without Keras: the room only uploads folders."""

    def predict(self, context, model_input: list[float]) -> list[float]:
        return [42.0 for _ in model_input]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model") / "model"
    mlflow.pyfunc.save_model(folder, python_model=Answer(), input_example=[1.0], pip_requirements=["mlflow"])
    return folder


@pytest.fixture
def name():
    return f"digits-{uuid4().hex[:8]}"


@pytest.fixture
def register(tracker, study, folder, name):
    def register(value, digest="d" * 64):
        return tracker.register_best(folder, name=name, value=value, digest=digest, tags={"trial": "7"})

    return register


def test_the_model_belongs_to_the_studys_run_and_loads_by_its_alias(register, study, client, name, store, monkeypatch):
    assert register(0.97) == ModelDecision(1, True, f"the first champion of {name}")
    version = client.get_model_version_by_alias(name, "champion")
    assert version.tags == {"trial": "7", "value": "0.97", "digest": "d" * 64}
    assert version.run_id == study
    (output,) = client.get_run(study).outputs.model_outputs
    logged = client.get_logged_model(output.model_id)
    assert (logged.name, logged.status, logged.source_run_id) == ("model", "READY", study)
    assert json.loads(logged.tags["mlflow.modelVersions"]) == [{"name": name, "version": 1}]
    monkeypatch.setattr("mlflow.tracking._tracking_service.utils._tracking_uri", store)
    model = mlflow.pyfunc.load_model(f"models:/{name}@champion")
    assert model.predict([1.0, 2.0]) == [42.0, 42.0]
    assert (model.metadata.model_id, model.metadata.run_id) == (output.model_id, study)
    assert model.metadata.signature is not None


def test_only_a_better_one_on_the_same_data_becomes_champion(register, client, name):
    register(0.90)
    worse = register(0.80)
    assert worse == ModelDecision(2, False, "version 1 stays champion: 0.8000 does not beat its 0.9000")
    assert not register(0.90).champion
    better = register(0.95)
    assert better == ModelDecision(4, True, "0.9500 beats 0.9000 of version 1")
    other = register(0.99, digest="e" * 64)
    assert (other.version, other.champion) == (5, False)
    assert other.reason.startswith("version 4 stays champion: it was measured on other data and does not compare; if ")
    assert not register(math.nan).champion
    assert int(client.get_model_version_by_alias(name, "champion").version) == 4


def test_on_other_data_the_reason_has_the_command_that_moves_the_alias(register, client, name, store, tmp_path):
    register(0.90)
    reason = register(0.80, digest="e" * 64).reason
    assert "\n" not in reason
    _, _, command = reason.partition("if it is to be version 2: ")
    python, *words = shlex.split(command)
    assert python == "python"
    environment = os.environ | {"MLFLOW_TRACKING_URI": store}
    subprocess.run([sys.executable, *words], check=True, env=environment, cwd=tmp_path)
    assert int(client.get_model_version_by_alias(name, "champion").version) == 2


def test_a_champion_without_a_value_stays(register, client, name):
    register(0.90)
    client.set_model_version_tag(name, "1", "value", "good")
    assert register(0.95) == ModelDecision(
        2, False, "version 1 stays champion: its tag 'value' is no number, so it does not compare"
    )


def test_a_name_that_mlflow_refuses(tracker, study, folder):
    decision = tracker.register_best(folder, name="a/b:c", value=0.9, digest="d", tags={})
    assert (decision.version, decision.champion) == (0, False)
    assert decision.reason.startswith("not registered: ")


def test_a_folder_that_is_no_model_leaves_a_failed_one(tracker, study, client, tmp_path, name):
    (tmp_path / "notes.txt").write_text("no model")
    decision = tracker.register_best(tmp_path, name=name, value=0.9, digest="d", tags={})
    assert decision.version == 0
    (output,) = client.get_run(study).outputs.model_outputs
    assert client.get_logged_model(output.model_id).status == "FAILED"
