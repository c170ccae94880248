"""A study as a program sees it."""

import json
import math
from pathlib import Path

import pytest

from pipeline.api import load_study
from pipeline.errors import StudyError
from pipeline.metrics import METRICS
from pipeline.study.history import append_history
from pipeline.study.objective import Objective
from pipeline.study.trial import EpochReport, TrialState
from tests.export.tiny_model import write_tiny_model
from tests.report.made_up import evaluated, record, study

RECORDS = [
    record(0, 0.8, params={"blocks": 1, "rate": 0.1, "optimizer": "adam"}, model="m"),
    record(1, 0.9, params={"blocks": 2, "rate": 0.2, "optimizer": "adam"}, model="m"),
    record(2, None, TrialState.FAILED, params={"blocks": 3, "rate": 0.3, "optimizer": "adam"}, reason="loss is nan"),
]


@pytest.fixture
def paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    paths = study(tmp_path / "studies" / "mine", RECORDS)
    for epoch in (1, 2):
        append_history(paths.history(1), EpochReport(1, epoch, {"val_accuracy": 0.4 * epoch, "loss": 1 / epoch}, epoch))
    scores = {"accuracy": 0.75, "roc_auc": None}
    evaluated(paths, trial=1, test_scores=scores)
    return paths


def test_the_trials_are_a_frame_with_one_typed_row_each(paths):
    trials = load_study("mine").trials
    assert trials.trial.to_list() == [0, 1, 2]
    assert trials.state.to_list() == ["complete", "complete", "failed"]
    assert math.isnan(trials.score[2])
    assert [str(trials[name].dtype) for name in ("blocks", "rate", "optimizer")] == ["Int64", "float64", "string"]


def test_the_best_its_history_and_its_test_scores(paths):
    mine = load_study("mine")
    assert (mine.best.number, mine.best.score, mine.best.params["blocks"]) == (1, 0.9, 2)
    assert (mine.metric, mine.path, mine.settings["data"]) == (
        "accuracy",
        paths.path.relative_to(paths.path.parents[1]),
        "digits",
    )
    history = mine.history()
    assert history.index.to_list() == [1, 2]
    assert history.val_accuracy.to_list() == [0.4, 0.8]
    assert mine.history(1).equals(history)
    assert mine.test_scores == {"accuracy": 0.75, "roc_auc": None}
    evaluated(paths, trial=0)
    assert mine.test_scores == {}, "another trial is the best since"


def test_a_study_is_found_by_name_by_path_and_as_a_path(paths):
    for argument in ("mine", "studies/mine", paths.path, Path("studies/mine")):
        assert load_study(argument).name == "mine"
    with pytest.raises(StudyError, match=r"unknown study 'mien'.*did you mean 'mine'"):
        load_study("mien")


def test_importances_are_a_series(tmp_path):
    paths = study(
        tmp_path / "many", [record(n, n / 20, params={"blocks": n, "rate": 0.1 * (n % 3)}) for n in range(12)]
    )
    importances = load_study(paths.path).importances
    assert importances.index[0] == "blocks"
    assert importances.sum() == pytest.approx(1)


def test_a_study_without_a_finished_trial_says_so(tmp_path):
    empty = load_study(study(tmp_path / "empty", []).path)
    assert empty.trials.empty
    assert empty.test_scores == {}
    assert empty.importances.empty
    assert empty._repr_html_() == "<p>Study <b>empty</b>: 0 trials, none with a model</p>"
    for ask in (lambda: empty.best, empty.history, empty.model, empty.model_file, lambda: empty.classes):
        with pytest.raises(StudyError, match="study empty: no trial has a model; see `convtune trials"):
            ask()


@pytest.mark.parametrize("number", [0, 7])
def test_a_trial_without_an_epoch_has_no_history(paths, number):
    with pytest.raises(StudyError, match=f"study mine: trial {number} has finished no epoch; its trials are 0 to 2"):
        load_study("mine").history(number)


def test_a_study_of_before_the_metric_is_refused(paths):
    content = json.loads(paths.fingerprint.read_text())
    del content["metric"]
    paths.fingerprint.write_text(json.dumps(content))
    with pytest.raises(StudyError, match="was begun when 'score' was called 'value'"):
        load_study("mine")


def test_the_model_is_loaded_in_this_process(paths):
    classes = ("cat", "dog", "eel")
    write_tiny_model(paths.model(1), classes=classes)
    mine = load_study("mine")
    assert mine.model_file() == mine.paths.model(1)
    assert mine.model(1).output_shape == (None, len(classes))
    assert mine.classes == classes
    with pytest.raises(StudyError, match="trial 0 has no model"):
        mine.model(0)


def test_a_notebook_shows_the_best_trials_and_what_varied(tmp_path):
    loss = Objective(METRICS["log_loss"])
    records = [
        record(n, 0.5 + n, params={"blocks": n, "optimizer": "adam"}, metric=loss.metric, model="m") for n in range(12)
    ]
    shown = load_study(study(tmp_path / "<b>", records, objective=loss).path)
    page = shown._repr_html_()
    assert "Study <b>&lt;b&gt;</b>: 12 trials, best log_loss 0.5000 (trial 0)" in page
    assert page.count("<tr>") == 10
    assert "<th>blocks</th>" in page
    assert "<th>optimizer</th>" not in page
    assert repr(shown) == "<Study <b>: 12 trials, best log_loss 0.5000 (trial 0)>"
