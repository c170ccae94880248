"""What a person reads when a study ends."""

from collections import Counter
from pathlib import Path

import pytest

from pipeline.search.stop_reason import StopReason
from pipeline.steps.best_model import BestModel
from pipeline.steps.summary import print_summary
from pipeline.study.paths import StudyPaths
from tests.report.made_up import record

RECORD = record(0, 0.5, model="m.keras")
DONE = StopReason.TRIALS_DONE


def test_pictures_are_named_where_there_are_some(tmp_path, capsys):
    paths = StudyPaths(tmp_path)
    print_summary(paths, [RECORD], Counter(), DONE, None)
    assert "What it sees" not in capsys.readouterr().out
    paths.explanation.mkdir()
    (paths.explanation / "index.html").write_text("")
    print_summary(paths, [RECORD], Counter(), DONE, None)
    assert f"What it sees:                  {paths.explanation}/index.html\n" in capsys.readouterr().out


def test_it_says_how_to_see_the_trials(capsys):
    print_summary(StudyPaths(Path("studies/mine")), [RECORD], Counter(), DONE, None)
    assert "Compare all trials in MLflow:  convtune ui mine\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("reason", "more"),
    [
        (StopReason.TIME_UP, ""),
        (StopReason.NO_TIME, ""),
        (StopReason.SCORE_REACHED, " --stop-at SCORE"),
        (StopReason.NO_BETTER, " --patience N"),
    ],
)
def test_a_study_that_ended_early_says_why_and_how_to_go_on(tmp_path, capsys, reason, more):
    print_summary(StudyPaths(tmp_path / "mine"), [RECORD], Counter(), DONE, None)
    assert "Go on:" not in capsys.readouterr().out
    print_summary(StudyPaths(tmp_path / "mine"), [RECORD], Counter(), reason, None)
    said = capsys.readouterr().out
    assert f"Study mine: {reason} (1 complete)\n" in said
    assert f"Go on:                         convtune tune --study {tmp_path}/mine{more}\n" in said


def test_a_study_without_any_candidate_does_not_point_to_what_libraries_said(tmp_path, capsys):
    print_summary(StudyPaths(tmp_path), [], Counter({"macs over the limit": 500}), StopReason.NOTHING_NEW, None)
    said = capsys.readouterr().out
    assert "Most frequent reason: macs over the limit\nBegin another study with a wider space or --limit\n" in said
    assert "worker.log" not in said


@pytest.mark.parametrize(
    ("metric", "scores", "line"),
    [
        ("accuracy", {"accuracy": 0.96534}, "Test accuracy of the best model (trial 0): 0.9653\n"),
        ("log_loss", {"accuracy": 0.9, "log_loss": 0.25}, "Test log loss of the best model (trial 0): 0.2500\n"),
        ("roc_auc", {"roc_auc": None}, "Test ROC AUC of the best model (trial 0): not defined for the test images\n"),
    ],
)
def test_the_test_score_is_that_of_the_metric(tmp_path, capsys, metric, scores, line):
    model = BestModel(0, "digest", metric, 0.5, scores, 1, "the first champion")
    print_summary(StudyPaths(tmp_path), [RECORD], Counter(), DONE, model)
    assert line in capsys.readouterr().out
