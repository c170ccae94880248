"""The best model in MLflow's registry, and which version is the champion."""

import json
import math
from uuid import uuid4

import mlflow.pyfunc
import pytest

from pipeline.metrics import ACCURACY, METRICS
from pipeline.tracking import ModelDecision, Registration, promote


@pytest.fixture
def name():
    return f"digits-{uuid4().hex[:8]}"


@pytest.fixture
def register(tracker, study, folder, name):
    def register(score, digest="d" * 64, metric=ACCURACY, **more):
        return tracker.register_best(folder, Registration(name, "mine", score, metric, digest, {"trial": "7"}, **more))

    return register


def test_the_model_belongs_to_the_studys_run_and_loads_by_its_alias(register, study, client, name, store, monkeypatch):
    assert register(0.97) == ModelDecision(1, True, "the first champion")
    version = client.get_model_version_by_alias(name, "champion")
    said = {"trial": "7", "score": "0.97", "metric": "accuracy", "digest": "d" * 64}
    assert version.tags == said | {"champion": "the first champion"}
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
    why = "it was measured on other data, so the scores cannot be compared"
    assert other.reason == f"version 4 stays champion: {why}; {advice(5)}"
    assert not register(math.nan).champion
    assert int(client.get_model_version_by_alias(name, "champion").version) == 4


def test_of_a_minimised_metric_the_lower_score_becomes_champion(register, client, name):
    log_loss = METRICS["log_loss"]
    register(0.5, metric=log_loss)
    assert register(0.7, metric=log_loss) == ModelDecision(
        2, False, "version 1 stays champion: 0.7000 does not beat its 0.5000"
    )
    assert register(0.2, metric=log_loss) == ModelDecision(3, True, "0.2000 beats 0.5000 of version 1")
    assert int(client.get_model_version_by_alias(name, "champion").version) == 3


def advice(version):
    return f"to make version {version} the champion, run: convtune promote mine"


def test_the_model_of_a_study_becomes_champion_by_hand(register, study, client, name, store):
    register(0.90)
    register(0.80, digest="e" * 64)
    assert promote(study, store) == f"version 2 of {name} is the champion, instead of version 1"
    assert promote(study, store) == f"version 2 of {name} is the champion already"
    assert int(client.get_model_version_by_alias(name, "champion").version) == 2


def test_the_versions_tell_the_history_of_the_champion(register, study, client, name, store):
    for score in (0.90, 0.80, 0.95):
        register(score)
    promote(study, store)
    register(0.97)
    client.set_registered_model_alias(name, "champion", "1")  # by hand, in MLflow's UI
    register(0.91)
    tags = [client.get_model_version(name, str(number)).tags for number in range(1, 6)]
    told = [{key: tag[key] for key in tag if key in HISTORY} for tag in tags]
    assert told == [
        {"champion": "the first champion", "replaced_by": "5"},
        {"not_champion": "version 1 stays champion: 0.8000 does not beat its 0.9000"},
        {"champion": "0.9500 beats 0.9000 of version 1", "champion_before": "1", "replaced_by": "4"},
        {"champion": "0.9700 beats 0.9500 of version 3", "champion_before": "3"},
        {"champion": "0.9100 beats 0.9000 of version 1", "champion_before": "1"},
    ]


HISTORY = {"champion", "not_champion", "champion_before", "replaced_by"}


def test_a_champion_that_comes_back_is_no_longer_replaced(register, study, client, name, store):
    register(0.90)
    register(0.80)
    promote(study, store)
    tags = client.get_model_version(name, "2").tags
    assert "not_champion" not in tags
    assert (tags["champion"], tags["champion_before"]) == ("promoted by hand instead of version 1", "1")
    assert client.get_model_version(name, "1").tags["replaced_by"] == "2"


def test_the_scores_are_those_of_the_model_on_the_dataset(register, study, client, name, dataset):
    register(0.97, data="mnist5k", test_scores={"accuracy": 0.96, "f1_macro": 0.9}, params={"blocks": 2, "flip": True})
    (output,) = client.get_run(study).outputs.model_outputs
    logged = client.get_logged_model(output.model_id)
    assert logged.params == {"blocks": "2", "flip": "true"}
    metrics = logged.metrics
    scores = {"val_accuracy": 0.97, "test_accuracy": 0.96, "test_f1_macro": 0.9}
    assert {metric.key: metric.value for metric in metrics} == scores
    assert {(metric.dataset_name, metric.dataset_digest) for metric in metrics} == {("mnist5k", dataset.digest[:36])}
    version = client.get_model_version(name, "1")
    assert (version.tags["data"], version.tags["test_f1_macro"]) == ("mnist5k", "0.9")
    sentence = "Model of trial 7 of the study mine on mnist5k: validation accuracy 0.9700, test accuracy 0.9600."
    assert version.description == logged.tags["mlflow.note.content"] == sentence


def test_a_study_without_a_registered_model_has_none_to_promote(study, store):
    assert promote(study, store) is None
    assert promote("", store) is None


def test_a_model_that_was_not_trained_to_its_end_says_so(register, client, name):
    register(0.90, caveat="trained for 3 of 10 epochs (time was up after epoch 3)")
    version = client.get_model_version(name, "1")
    assert version.tags["caveat"] == "trained for 3 of 10 epochs (time was up after epoch 3)"
    assert version.description == (
        "Model of trial 7 of the study mine: validation accuracy 0.9000. "
        "It was trained for 3 of 10 epochs (time was up after epoch 3)."
    )


def test_scores_of_two_metrics_do_not_compare(register, client, name):
    register(0.90)
    why = "it was scored by accuracy, not by log_loss, so the scores cannot be compared"
    assert register(0.2, metric=METRICS["log_loss"]) == ModelDecision(
        2, False, f"version 1 stays champion: {why}; {advice(2)}"
    )
    assert int(client.get_model_version_by_alias(name, "champion").version) == 1


@pytest.mark.parametrize("score", ["good", "nan", None])
def test_a_champion_without_a_score_stays(register, client, name, score):
    register(0.90)
    client.delete_model_version_tag(name, "1", "score")
    client.delete_model_version_tag(name, "1", "metric")
    client.set_model_version_tag(name, "1", *(("value", "0.9") if score is None else ("score", score)))
    why = "its tag 'score' is not a number, so the scores cannot be compared"
    assert register(0.95) == ModelDecision(2, False, f"version 1 stays champion: {why}; {advice(2)}")


def test_a_name_that_mlflow_refuses(tracker, study, folder):
    decision = tracker.register_best(folder, Registration("a/b:c", "mine", 0.9, ACCURACY, "d", {}))
    assert (decision.version, decision.champion) == (0, False)
    assert decision.reason.startswith("not registered: ")


def test_a_folder_that_is_not_a_model_leaves_a_failed_one(tracker, study, client, tmp_path, name):
    (tmp_path / "notes.txt").write_text("no model")
    decision = tracker.register_best(tmp_path, Registration(name, "mine", 0.9, ACCURACY, "d", {}))
    assert decision.version == 0
    (output,) = client.get_run(study).outputs.model_outputs
    assert client.get_logged_model(output.model_id).status == "FAILED"
