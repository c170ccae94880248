"""What a study leaves in a real MLflow store."""

import json
import logging
import math
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.models import Model

from pipeline.errors import TrackingError
from pipeline.metrics import ACCURACY, METRICS
from pipeline.study.objective import Objective
from pipeline.study.trial import BatchReport, EpochReport, TrialState
from pipeline.tracking import About, ModelDecision, Registration, connect, sender
from tests.tracking.records import make_record

LEADERBOARD = {"columns": ["rank", "trial"], "data": [[1, 0]]}
EPOCH = {"loss": 0.5, "accuracy": 0.8, "val_loss": 0.6, "val_accuracy": 0.75}


def epoch_ended(tracker, number, epoch, metrics, score=None):
    tracker.epoch_ended(make_record(number, score=score), EpochReport(number, epoch, metrics, float(epoch)))


def test_the_studys_run_holds_job_dataset_and_tags(study, dataset, client, tmp_path):
    run = client.get_run(study)
    assert (run.info.run_name, run.info.status) == ("digits-quick", "RUNNING")
    assert run.data.params == {"data": "mnist5k", "metric": "accuracy", "trials": "20", "set": '{"blocks": 2}'}
    tags = {"study": "digits-quick", "dataset": "mnist5k", "metric": "accuracy"}
    assert tags.items() <= run.data.tags.items()
    job = Path(client.download_artifacts(study, "job.yaml", str(tmp_path))).read_text()
    assert "trials: 20" in job
    (logged,) = [entry.dataset for entry in run.inputs.dataset_inputs]
    assert (logged.name, logged.digest) == ("mnist5k", dataset.digest[:36])
    assert json.loads(logged.profile) == {"train": 3500, "validation": 750, "test": 750, "classes": ["zero", "one"]}


def test_the_dataset_reads_as_mlflows_own(study, client):
    """MLflow's classes read back what was written: the table of its UI does the same."""
    from mlflow.data.schema import TensorDatasetSchema

    dataset = client.get_run(study).inputs.dataset_inputs[0].dataset
    schema = TensorDatasetSchema.from_dict(json.loads(dataset.schema))
    (images,) = schema.features.inputs
    assert (images.type.name, images.shape) == ("uint8", (-1, 28, 28, 1))


def test_a_trial_is_a_child_run(tracker, study, begin, children, client):
    begin(7, blocks=3, learning_rate=1e-4, flip=True)
    for epoch in range(1, 11):
        epoch_ended(tracker, 7, epoch, {**EPOCH, "loss": 1 / epoch})
    tracker.trial_ended(make_record(7, TrialState.COMPLETE, 0.75, epochs=10, seconds=12.5, device="cpu"))
    tracker.close()
    run = children(study)[7]
    assert run.info.run_name == "#7 plain 0.75"
    assert run.info.status == "FINISHED"
    assert run.data.params == {"family": "plain", "blocks": "3", "learning_rate": "0.0001", "flip": "true"}
    tags = {"family": "plain", "device": "cpu", "state": "complete", "seed": "14", "metric": "accuracy"}
    assert tags.items() <= run.data.tags.items()
    assert {"score": 0.75, "seconds": 12.5, "epochs": 10, "parameters": 1234}.items() <= run.data.metrics.items()
    history = client.get_metric_history(run.info.run_id, "loss")
    assert [(metric.step, metric.value) for metric in history] == [(epoch, 1 / epoch) for epoch in range(1, 11)]
    assert EPOCH.keys() <= run.data.metrics.keys()
    assert tracker.problems == []


@pytest.mark.parametrize(
    ("params", "space", "state", "score", "title"),
    [
        ({"family": "residual"}, "all", TrialState.COMPLETE, 0.9826667, "#12 residual 0.9827"),
        ({"family": "residual"}, "all", TrialState.PRUNED, 0.3, "#12 residual pruned"),
        ({"width": 3}, "examples/build.py:build", TrialState.FAILED, None, "#12 build failed"),
        ({"width": 3}, "package.module:Model", TrialState.INTERRUPTED, 0.5, "#12 Model interrupted"),
    ],
)
def test_a_run_is_named_by_number_family_and_end(tracker, begin_study, children, params, space, state, score, title):
    study = begin_study(tracker, space=space)
    tracker.trial_started(make_record(12, params=params))
    tracker._sender.call(lambda: None)
    assert children(study)[12].info.run_name == title.rpartition(" ")[0]
    tracker.trial_ended(make_record(12, state, score, params=params))
    tracker.close()
    assert children(study)[12].info.run_name == title


def test_only_searched_values_are_params(tracker, study, children):
    params = {"family": "plain", "blocks": 2, "learning_rate": 0.01}
    tracker.trial_started(make_record(0, params=params, drawn=("learning_rate",)))
    tracker.close()
    run = children(study)[0]
    assert run.data.params == {"learning_rate": "0.01"}
    assert json.loads(run.data.tags["constants"]) == {"family": "plain", "blocks": 2}
    assert (run.data.tags["family"], run.data.tags["source"]) == ("plain", "search")


def test_what_is_worth_a_chart_has_steps_and_the_score_comes_first(tracker, study, begin, children, client):
    begin(0)
    for epoch, best in enumerate((0.5, 0.7, 0.7), start=1):
        epoch_ended(tracker, 0, epoch, EPOCH, score=best)
    tracker.trial_ended(make_record(0, TrialState.COMPLETE, 0.7, epochs=3, seconds=3.5))
    tracker.close()
    run = children(study)[0]
    scores = client.get_metric_history(run.info.run_id, "score")
    assert {(one.step, one.value) for one in scores} == {(1, 0.5), (2, 0.7), (3, 0.7)}
    assert next(iter(run.data.metrics)) == "score"
    steps = {one.key: one.step for one in run.data._metric_objs}
    assert {name for name, step in steps.items() if step == 0} == {"epochs", "parameters", "macs"}
    assert (run.data.metrics["epochs"], run.data.metrics["seconds"]) == (3, 3.5)


def test_a_trial_that_never_finished_an_epoch_has_its_costs(tracker, study, begin, children):
    begin(0)
    tracker.trial_ended(make_record(0, TrialState.FAILED, reason="out of memory"))
    tracker.close()
    assert children(study)[0].data.metrics == {"seconds": 0, "epochs": 0, "parameters": 1234, "macs": 56789}


def test_the_dataset_is_an_input_of_every_trial(tracker, study, begin, children, dataset):
    begin(0)
    tracker.close()
    (entry,) = children(study)[0].inputs.dataset_inputs
    assert (entry.dataset.name, entry.dataset.digest) == ("mnist5k", dataset.digest[:36])


def test_the_use_of_the_machine_is_measured_by_mlflows_names(tracker, study, begin, children):
    begin(0)
    tracker._usage._sampled = 0  # as if half a second had passed
    tracker.progressed(make_record(0), BatchReport(0, 1, 10))
    epoch_ended(tracker, 0, 1, EPOCH)
    tracker.close()
    metrics = children(study)[0].data.metrics
    assert 0 <= metrics["system/cpu_utilization_percentage"] <= 100
    assert metrics["system/system_memory_usage_megabytes"] > 0


def test_the_learning_rate_of_epochs_is_a_metric_only_where_it_changes(tracker, study, begin, children, client):
    schedules = {0: [0.1] * 4, 1: [0.1, 0.1, 0.05, 0.1]}
    for number, rates in schedules.items():
        begin(number, learning_rate=0.1)
        for epoch, rate in enumerate(rates, start=1):
            epoch_ended(tracker, number, epoch, EPOCH | {"epoch_learning_rate": rate})
    tracker.close()
    runs = children(study)
    assert "epoch_learning_rate" not in runs[0].data.metrics
    history = client.get_metric_history(runs[1].info.run_id, "epoch_learning_rate")
    assert [(metric.step, metric.value) for metric in history] == list(enumerate(schedules[1], start=1))
    assert "learning_rate" not in runs[1].data.metrics


def test_a_run_whose_answer_was_lost_is_not_created_again(tracker, study, begin, children, monkeypatch):
    create = tracker._runs.client.create_run

    def lose_the_answer(*arguments):
        monkeypatch.setattr(tracker._runs.client, "create_run", create)
        create(*arguments)
        raise MlflowException("the connection was closed")

    monkeypatch.setattr(sender, "_PAUSES", (0.01,))
    monkeypatch.setattr(tracker._runs.client, "create_run", lose_the_answer)
    begin(0)
    tracker.trial_ended(make_record(0, TrialState.COMPLETE, 0.5))
    tracker.close()
    assert children(study)[0].data.metrics["score"] == 0.5
    assert tracker.problems == []


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (TrialState.COMPLETE, "FINISHED"),
        (TrialState.PRUNED, "KILLED"),
        (TrialState.FAILED, "FAILED"),
        (TrialState.INTERRUPTED, "KILLED"),
    ],
)
def test_the_status_is_true(tracker, study, begin, children, state, status):
    begin(0)
    tracker.trial_ended(make_record(0, state, reason="killed by signal 9"))
    tracker.close()
    run = children(study)[0]
    assert (run.info.status, run.data.tags["state"]) == (status, state)
    assert run.data.tags["reason"] == "killed by signal 9"
    assert "score" not in run.data.metrics
    assert run.info.end_time >= run.info.start_time


def test_metrics_arrive_while_the_trial_runs(tracker, study, begin, children):
    begin(0)
    epoch_ended(tracker, 0, 1, EPOCH)
    until = time.monotonic() + 60
    while not (children(study).get(0) and "val_accuracy" in children(study)[0].data.metrics):
        assert time.monotonic() < until
        time.sleep(0.1)
    assert children(study)[0].info.status == "RUNNING"


def test_trials_that_run_side_by_side_keep_their_metrics_apart(tracker, study, begin, children, client):
    begin(0)
    begin(1)
    for epoch in (1, 2, 3):
        epoch_ended(tracker, 0, epoch, {"loss": 0.1 * epoch})
        epoch_ended(tracker, 1, epoch, {"loss": 10.0 * epoch})
    tracker.trial_ended(make_record(0, TrialState.COMPLETE, 0.5))
    epoch_ended(tracker, 1, 4, {"loss": 40.0})
    tracker.close()
    history = client.get_metric_history(children(study)[1].info.run_id, "loss")
    assert [metric.value for metric in history] == [10.0, 20.0, 30.0, 40.0]
    assert children(study)[0].data.metrics["loss"] == pytest.approx(0.3)


def test_a_metric_that_is_not_a_number_is_kept_as_such(tracker, study, begin, children):
    begin(0)
    epoch_ended(tracker, 0, 1, {"loss": math.nan})
    tracker.close()
    assert math.isnan(children(study)[0].data.metrics["loss"])


def test_more_params_than_mlflow_takes_at_once_and_long_ones(tracker, study, begin, children):
    filters = {f"filters_{number}": number for number in range(250)}
    begin(0, **filters, note="x" * 10_000)
    tracker.close()
    params = children(study)[0].data.params
    assert len(params) == 252
    assert set(params["note"]) == {"x"}
    assert tracker.problems == []


def complete(number, score, **details):
    return make_record(number, TrialState.COMPLETE, score, **details)


def test_ranks_and_the_best_tag_move(tracker, study, begin, children):
    for number in range(3):
        begin(number)
    tracker.rank([complete(0, 0.8), complete(1, 0.7), make_record(2)], LEADERBOARD)
    tracker.rank([complete(0, 0.8), complete(1, 0.7), complete(2, 0.9)], LEADERBOARD)
    tracker.close()
    runs = children(study)
    assert {number: run.data.tags["rank"] for number, run in runs.items()} == {0: "2", 1: "3", 2: "1"}
    assert [number for number, run in runs.items() if run.data.tags.get("best") == "true"] == [2]
    assert not any("pareto_front" in run.data.tags for run in runs.values())
    assert not any({"rank", "pareto_front"} & run.data.metrics.keys() for run in runs.values())


def of_front(front, scores):
    objective = Objective(minimized=("macs",))
    return [complete(number, scores[number], objective=objective, front=front[number]) for number in front]


def test_of_a_minimised_metric_the_lowest_score_is_the_best(tracker, study, begin, children):
    objective = Objective(METRICS["log_loss"])
    records = [complete(number, score, objective=objective) for number, score in enumerate((0.5, 0.2, 0.9))]
    for record in records:
        tracker.trial_started(record)
    tracker.rank(records, LEADERBOARD)
    tracker.close()
    runs = children(study)
    assert [runs[number].data.tags["rank"] for number in range(3)] == ["2", "1", "3"]
    assert {run.data.tags["metric"] for run in runs.values()} == {"log_loss"}
    assert runs[1].data.tags["best"] == "true"


def test_the_front_is_a_tag_and_moves(tracker, study, begin, children):
    for number in range(4):
        begin(number)
    tracker.rank(of_front({0: True, 1: True, 2: False}, scores=(0.9, 0.8, 0.7)), LEADERBOARD)
    tracker.rank(of_front({0: True, 1: False, 2: True}, scores=(0.9, 0.6, 0.7)), LEADERBOARD)
    tracker.close()
    runs = children(study)
    tags = {number: run.data.tags.get("pareto_front") for number, run in runs.items()}
    assert tags == {0: "true", 1: "false", 2: "true", 3: None}
    assert [runs[number].data.tags["rank"] for number in range(3)] == ["1", "3", "2"]
    assert [number for number, run in runs.items() if run.data.tags.get("best") == "true"] == [0]


def test_files_and_folders_go_into_the_studys_run(tracker, study, client, tmp_path):
    (tmp_path / "plots").mkdir()
    (tmp_path / "plots" / "history.png").write_bytes(b"png")
    (tmp_path / "trials.csv").write_text("number\n")
    tracker.log_artifact(tmp_path / "trials.csv")
    tracker.log_artifact(tmp_path / "plots")
    tracker.log_artifact(tmp_path / "trials.csv", "tables")
    tracker.log_artifact(tmp_path / "plots", "pictures")
    tracker.close()
    assert {"trials.csv", "plots", "tables"} <= {file.path for file in client.list_artifacts(study)}
    assert [file.path for file in client.list_artifacts(study, "plots")] == ["plots/history.png"]
    assert [file.path for file in client.list_artifacts(study, "tables")] == ["tables/trials.csv"]
    assert [file.path for file in client.list_artifacts(study, "pictures/plots")] == ["pictures/plots/history.png"]


def test_files_that_a_study_no_longer_has_are_removed(tracker, study, client, tmp_path):
    (tmp_path / "plots").mkdir()
    for name in ("history.png", "wrong.png", "own.png"):
        (tmp_path / "plots" / name).write_bytes(b"png")
    tracker.remove_artifacts("plots", ["wrong.png"])  # nothing is there yet
    tracker.log_artifact(tmp_path / "plots")
    tracker.remove_artifacts("plots", ["wrong.png", "importance.png"])
    tracker.close()
    assert {file.path for file in client.list_artifacts(study, "plots")} == {"plots/history.png", "plots/own.png"}
    assert tracker.problems == []


def test_the_end_of_a_study(tracker, study, client):
    tracker.end_study("FINISHED", {"test_accuracy": 0.97})
    tracker.close()
    run = client.get_run(study)
    assert (run.info.status, run.data.metrics) == ("FINISHED", {"test_accuracy": 0.97})


def test_the_description_and_the_leaderboard_of_a_study(tracker, begin_study, client, tmp_path):
    study = begin_study(tracker)
    assert client.get_run(study).data.tags["mlflow.note.content"] == "It runs."
    tracker.rank([], LEADERBOARD)
    tracker.end_study("FINISHED", {}, "It *ended*.")
    tracker.close()
    tags = client.get_run(study).data.tags
    assert tags["mlflow.note.content"] == "It *ended*."
    assert json.loads(tags["mlflow.loggedArtifacts"]) == [{"path": "leaderboard.json", "type": "table"}]
    table = json.loads(Path(client.download_artifacts(study, "leaderboard.json", str(tmp_path))).read_text())
    assert table == LEADERBOARD


def test_a_study_without_an_answer_keeps_its_description(tracker, study, client):
    tracker.end_study("KILLED", {})
    tracker.close()
    assert client.get_run(study).data.tags["mlflow.note.content"] == "It runs."


@pytest.mark.parametrize(("status", "state"), [("KILLED", "interrupted"), ("FAILED", "failed"), ("FINISHED", "failed")])
def test_trials_that_still_run_end_with_their_study(tracker, study, begin, children, status, state):
    begin(0)
    begin(1)
    tracker.trial_ended(make_record(0, TrialState.COMPLETE, 0.5))
    tracker.end_study(status, {})
    tracker.close()
    runs = children(study)
    assert (runs[0].info.status, runs[0].data.tags["state"]) == ("FINISHED", "complete")
    assert runs[1].info.status == ("KILLED" if status == "KILLED" else "FAILED")
    assert (runs[1].data.tags["state"], runs[1].data.tags["reason"]) == (state, "the study ended before the trial")
    assert runs[1].info.end_time
    assert tracker.problems == []


def test_a_study_goes_on_in_its_run(tracker, study, begin, store, begin_study, client, children):
    begin(0)
    tracker.trial_ended(make_record(0, TrialState.COMPLETE, 0.5))
    begin(1)
    tracker.rank([complete(0, 0.5), make_record(1)], LEADERBOARD)
    tracker.end_study("KILLED", {})
    tracker.close()

    again = connect(store)
    assert begin_study(again, study, trials=40, workers=2) == study
    run = client.get_run(study)
    assert run.info.status == "RUNNING"
    assert (run.data.params["trials"], run.data.tags["trials"]) == ("20", "40")
    assert (run.data.params["workers"], run.data.tags.get("data")) == ("2", None)
    assert children(study)[1].info.status == "KILLED"

    again.trial_started(make_record(1, params={"repeated": True}))
    again.trial_started(make_record(2, params={}))
    again.rank([complete(0, 0.5), make_record(1), complete(2, 0.6)], LEADERBOARD)
    again.close()
    runs = children(study)
    assert sorted(runs) == [0, 1, 2]
    assert runs[1].data.params == {"repeated": "true"}
    assert [number for number, run in runs.items() if run.data.tags.get("best") == "true"] == [2]
    assert again.problems == []


@pytest.mark.parametrize("gone", ["deleted", "0123456789abcdef0123456789abcdef", "no id at all"])
def test_a_study_whose_run_is_gone_gets_a_new_one(tracker, study, store, begin_study, client, gone):
    if gone == "deleted":
        client.delete_run(study)
    other = connect(store)
    new = begin_study(other, study if gone == "deleted" else gone)
    other.close()
    assert new != study
    assert client.get_run(new).info.lifecycle_stage == "active"


def test_the_run_that_mlflow_run_made_becomes_the_studys(tracker, begin_study, client, monkeypatch):
    offered = client.create_run("0")
    client.log_param(offered.info.run_id, "data", "from the command line")
    monkeypatch.setenv("MLFLOW_RUN_ID", offered.info.run_id)
    assert begin_study(tracker) == offered.info.run_id
    run = client.get_run(offered.info.run_id)
    assert (run.data.params["data"], run.data.tags["data"]) == ("from the command line", "mnist5k")


def test_a_run_of_the_users_keeps_its_name_and_its_other_children(tracker, begin_study, client, begin, monkeypatch):
    offered = client.create_run("0", run_name="nightly").info.run_id
    child = {"mlflow.parentRunId": offered, "number": "first"}
    children = [
        client.create_run("0", tags=child | more).info.run_id for more in ({}, {"mlflow.source.name": "train.py"})
    ]
    monkeypatch.setenv("MLFLOW_RUN_ID", offered)
    assert begin_study(tracker) == offered
    begin(0)
    tracker.end_study("FINISHED", {})
    tracker.close()
    assert client.get_run(offered).info.run_name == "nightly"
    assert {client.get_run(one).info.status for one in children} == {"RUNNING"}


def test_metrics_go_on_where_the_artifact_store_is_out_of_reach(store, client, begin_study, tmp_path, monkeypatch):
    """An experiment keeps the place of its artifacts: it cannot be made, or packages are missing for it."""
    (tmp_path / "trials.csv").write_text("number\n")
    places = {
        "file:///proc/nowhere": "start the server with --serve-artifacts",
        "s3://bucket/x": "pip install boto3",
        "gs://bucket/x": "pip install google-cloud-storage",
        "oss://bucket/x": "make that place writable from here",
    }
    for place, advice in places.items():
        monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", client.create_experiment(place.replace("/", "-"), place))
        tracker = connect(store)
        study = begin_study(tracker)
        tracker.log_artifact(tmp_path / "trials.csv")
        decision = tracker.register_best(tmp_path, Registration("x", "mine", 0.5, ACCURACY, "d", {}))
        tracker.end_study("FINISHED", {"test_accuracy": 0.5})
        tracker.close()
        (problem,) = tracker.problems
        assert problem.startswith(f"{store}: the artifact store {place}/{study}/artifacts cannot be used (")
        assert "metrics are in MLflow, files and models only in the study's folder; " in problem
        assert advice in problem
        assert decision == ModelDecision(0, False, "not registered: MLflow's artifact store cannot be used")
        assert client.get_run(study).data.metrics == {"test_accuracy": 0.5}


def test_a_run_that_a_study_has_is_not_taken_by_another(tracker, study, begin_study, monkeypatch):
    monkeypatch.setenv("MLFLOW_RUN_ID", study)
    assert begin_study(tracker, name="other") != study


def test_a_push_that_mlflow_refuses_ends_its_run_and_says_what_to_do(tracker, client, dataset, tmp_path):
    """The name is one that the registry does not take. The run has the dataset, and a logged model that failed."""
    Model().save(str(tmp_path / "MLmodel"))
    registration = Registration("a/b:c", "mine", 0.9, ACCURACY, "d", {"study": "mine", "trial": "7"})
    with pytest.raises(TrackingError, match=r"MLflow refused: .*a/b:c.*; mend that and repeat the command, or set"):
        tracker.push(tmp_path, registration, "champion", dataset)
    (run,) = [
        run
        for run in client.search_runs([client.get_experiment_by_name("convtune").experiment_id])
        if run.info.run_name == "export of trial 7 of mine"
    ]
    assert (run.info.status, run.data.metrics) == ("FAILED", {"val_accuracy": 0.9})
    assert [entry.dataset.name for entry in run.inputs.dataset_inputs] == ["mnist5k"]


def test_a_refused_study_is_one_line(tracker):
    tracker.begin_study(About("refused", {"long\n" * 60: 1}, None), None)
    tracker.trial_started(make_record(0))
    tracker.close()
    (problem,) = tracker.problems
    assert re.search(r"refused the study's run: .*maximum length.*; everything is missing", problem)
    assert "\n" not in problem


def test_a_study_that_could_not_begin_has_no_end(tracker):
    tracker.end_study("FAILED", {})
    tracker.close()
    assert tracker.problems == []


def test_what_mlflow_refuses_is_left_out_and_told(tracker, study, begin, children, tmp_path):
    begin(0)
    epoch_ended(tracker, 0, 1, {"long" * 70: 1.0})
    tracker.log_artifact(tmp_path / "missing.csv")
    tracker.trial_ended(make_record(0, TrialState.COMPLETE, 0.5))
    tracker.close()
    assert children(study)[0].info.status == "FINISHED"
    (trouble,) = tracker.problems
    assert "metrics of trial 0" in trouble
    assert "and 1 more" in trouble


def test_reports_of_an_unknown_trial_are_harmless(tracker, study, children):
    epoch_ended(tracker, 5, 1, EPOCH)
    tracker.trial_ended(make_record(5, TrialState.COMPLETE))
    tracker.close()
    assert children(study) == {}


_STUDY = """
import sys
sys.path.insert(0, {root!r})
import numpy as np
from pipeline.data import Dataset
from pipeline.study.trial import TrialState
from pipeline.tracking import About, connect
from tests.tracking.records import make_record
images, labels, rows = np.zeros((3, 8, 8, 1), np.uint8), np.zeros(3, np.int64), np.split(np.arange(3), 3)
dataset = Dataset("d", "s", "e", ("a", "b"), images, labels, *rows, seed=0)
tracker = connect()
tracker.begin_study(About("s", {{"a": 1}}, dataset.facts), None)
tracker.trial_started(make_record(0))
tracker.trial_ended(make_record(0, TrialState.FAILED, reason="x"))
tracker.end_study("FINISHED", {{}})
tracker.close()
assert not tracker.problems, tracker.problems
assert not {{"keras", "tensorflow", "torch"}} & sys.modules.keys()
"""


def test_two_studies_may_make_the_store_at_once_and_the_terminal_stays_silent(tmp_path):
    """In processes of their own: a fresh store in the current folder, with its migrations, and two small studies."""
    command = [sys.executable, "-c", _STUDY.format(root=str(Path(__file__).parents[2]))]
    pipe = subprocess.PIPE
    studies = [subprocess.Popen(command, cwd=tmp_path, stdout=pipe, stderr=pipe, text=True) for _ in range(2)]
    assert [(*study.communicate(timeout=120), study.returncode) for study in studies] == [("", "", 0)] * 2
    client = MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    experiment = client.get_experiment_by_name("convtune")
    assert len(client.search_runs([experiment.experiment_id])) == 4
    assert experiment.artifact_location == (tmp_path / "mlruns" / "convtune").as_uri()
    assert {path.name for path in tmp_path.iterdir()} == {"mlflow.db", "mlruns"}


def test_mlflows_log_lines_reach_those_who_ask(tracker, caplog):
    with caplog.at_level(logging.WARNING):
        logging.getLogger("mlflow.store.db.utils").warning("a word from MLflow")
    assert "a word from MLflow" in caplog.text
