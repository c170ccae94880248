"""The prepared view of a study, as MLflow's UI reads it; the end-to-end test opens it in a browser."""

import base64
import json
import zlib

import pytest
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID, MLFLOW_SOURCE_NAME

from pipeline.errors import TrackingError
from pipeline.metrics import ACCURACY, METRICS
from pipeline.study.trial import EpochReport, TrialState
from pipeline.tracking import prepare_pages
from pipeline.tracking.pages import write_view
from pipeline.tracking.view import TAG, key_of
from tests.tracking.records import make_record

POINTS = ({"blocks": 1, "kernel": 3}, {"blocks": 2, "kernel": 3, "filters_2": 8}, {"blocks": 3, "kernel": 3})
NUMBERS = {"0", "1", "2"}


@pytest.fixture
def trials(tracker, study):
    """A study with two trials that have scores and a failed one."""
    for number, params in enumerate(POINTS):
        scored = number < 2
        tracker.trial_started(make_record(number, params=params))
        if scored:
            report = EpochReport(number, 1, {"val_accuracy": 0.5}, 1.0)
            tracker.epoch_ended(make_record(number, score=0.5, params=params), report)
        state, score = (TrialState.COMPLETE, 0.5) if scored else (TrialState.FAILED, None)
        tracker.trial_ended(make_record(number, state, score, params=params, epochs=1))
    tracker.end_study("FINISHED", {})
    tracker.close()
    return study


def read_view(client, study):
    """The view as the UI reads it: JSON, in which the state is compressed."""
    experiment = client.get_experiment(client.get_run(study).info.experiment_id)
    view = json.loads(experiment.tags[TAG + key_of(study)])
    packed = view["state"].removeprefix("deflate;")
    return view, json.loads(zlib.decompress(base64.b64decode(packed)))


def test_a_study_ends_with_a_view_of_its_trials(trials, client):
    view, state = read_view(client, trials)
    assert view["name"] == "digits-quick: trials by score"
    experiment = client.get_run(trials).info.experiment_id
    assert {run.data.tags["number"] for run in client.search_runs([experiment], state["searchFilter"])} == NUMBERS
    assert (state["orderByKey"], state["orderByAsc"]) == ("metrics.`score`", False)
    metrics = ["metrics.`score`", "metrics.`epochs`", "metrics.`seconds`", "metrics.`parameters`"]
    assert state["selectedColumns"] == [*metrics, "params.`blocks`", "params.`filters_2`"]
    assert state["columnOrder"] == state["selectedColumns"]


def test_other_runs_below_the_studys_are_no_trials_of_the_view(trials, client, store):
    """One of the user's, and another study that was begun below the same run: their params are no columns."""
    experiment = client.get_run(trials).info.experiment_id
    below = {MLFLOW_PARENT_RUN_ID: trials}
    for tags in (below | {"number": "7"}, below | {MLFLOW_SOURCE_NAME: "convtune"}):
        client.log_param(client.create_run(experiment, tags=tags).info.run_id, "theirs", "1")
    prepare_pages(trials, "digits-quick", ACCURACY, {}, store)
    _, state = read_view(client, trials)
    assert "params.`theirs`" not in state["selectedColumns"]
    assert {run.data.tags["number"] for run in client.search_runs([experiment], state["searchFilter"])} == NUMBERS


def test_axes_are_the_params_of_all_trials_with_a_score(trials, client):
    """Parallel coordinates leave out a trial that lacks one of the params."""
    _, state = read_view(client, trials)
    charts = {chart["type"]: chart for chart in state["compareRunCharts"]}
    assert charts["PARALLEL"]["selectedParams"] == ["blocks"]
    assert charts["PARALLEL"]["selectedMetrics"] == ["score"]
    assert charts["LINE"]["metricKey"] == "val_accuracy"
    assert (charts["SCATTER"]["xaxis"]["key"], charts["SCATTER"]["yaxis"]["key"]) == ("parameters", "score")
    sections = {section["uuid"]: section["name"] for section in state["compareRunSections"]}
    assert {chart["metricSectionId"] for chart in charts.values()} <= sections.keys()
    assert sections[charts["PARALLEL"]["metricSectionId"]] == "1 of 2 hyperparameters: of every trial"


@pytest.mark.parametrize(
    ("importances", "kept", "said"),
    [
        ({"h 29?": 0.7, "h05": 0.3}, ["h 29-", "h05"], "12 most important of 30 hyperparameters"),
        ({}, ["h 29-"], "First 12 of 30 hyperparameters"),
    ],
    ids=["known", "unknown"],
)
def test_of_many_params_the_most_important_ones_are_axes_and_the_rest_is_counted(
    tracker, study, client, importances, kept, said
):
    """MLflow allows no question mark in a name, and a space comes before all other characters."""
    params = [f"h{number:02}" for number in range(29)]
    for number in range(2):
        values = dict.fromkeys([*params, "h 29?"], number)
        tracker.trial_started(make_record(number, params=values))
        tracker.trial_ended(make_record(number, TrialState.COMPLETE, 0.5 + number / 9, params=values))
    tracker.end_study("FINISHED", {}, "", importances)
    tracker.close()
    _, state = read_view(client, study)
    axes = state["compareRunCharts"][0]["selectedParams"]
    assert len(axes) == 12
    assert set(kept) <= set(axes)
    assert axes == sorted(axes)
    assert state["compareRunSections"][0]["name"] == said


def test_of_a_minimised_metric_the_lowest_score_comes_first(trials, client, store):
    pages = prepare_pages(trials, "digits-quick", METRICS["log_loss"], {}, store)
    _, state = read_view(client, trials)
    assert state["orderByAsc"] is True
    experiment = client.get_run(trials).info.experiment_id
    address = f"/#/experiments/{experiment}/runs?workflowType=machine_learning&viewStateShareKey={trials[:8]}"
    assert (pages.trials, pages.charts) == (address, f"{address}&compareRunsMode=CHART")
    assert pages.study == f"/#/experiments/{experiment}/runs/{trials}?workflowType=machine_learning"


def test_a_study_without_trials_has_a_view_too(study, client, store):
    prepare_pages(study, "digits-quick", ACCURACY, {}, store)
    _, state = read_view(client, study)
    assert [chart["type"] for chart in state["compareRunCharts"]] == ["LINE", "SCATTER"]


def test_old_views_of_ours_make_room_and_those_of_people_stay(client):
    experiment = client.create_experiment("many-views")
    theirs = json.dumps({"name": "mine", "createdAt": 1, "updatedAt": 1, "state": "{}"})
    client.set_experiment_tag(experiment, f"{TAG}theirs", theirs)
    studies = [client.create_run(experiment).info.run_id for _ in range(22)]
    for study in studies:
        write_view(client, experiment, study, "s", ACCURACY, {})
    tags = client.get_experiment(experiment).tags
    kept = {key.removeprefix(TAG) for key in tags if key.startswith(TAG)}
    assert "theirs" in kept
    assert len(kept) == 21
    assert key_of(studies[-1]) in kept


@pytest.mark.parametrize("run", ["", "0123456789abcdef0123456789abcdef", "deleted"])
def test_a_study_that_is_not_in_the_store_is_one_line(run, store, client):
    if run == "deleted":
        run = client.create_run("0").info.run_id
        client.delete_run(run)
    with pytest.raises(TrackingError, match=r"^study mine: not in sqlite:.*; set MLFLOW_TRACKING_URI") as refusal:
        prepare_pages(run, "mine", ACCURACY, {}, store)
    assert "\n" not in str(refusal.value)
