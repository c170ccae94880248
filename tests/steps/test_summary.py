"""What a person reads when a study ends."""

from collections import Counter
from pathlib import Path

import pytest

from pipeline.report.findings import Findings
from pipeline.report.study_trials import StudyTrials
from pipeline.search.stop_reason import StopReason
from pipeline.steps.summary import print_summary
from pipeline.study.paths import StudyPaths
from tests.report.made_up import evaluated_model, record

RECORD = record(0, 0.9, model="m.keras")
MINE = StudyPaths(Path("studies/mine"))


def summary(paths, records, best_model=None, evaluated=None, job=None, reason=StopReason.TRIALS_DONE, infeasible=None):
    trials = StudyTrials(paths, records, infeasible=infeasible or {}, reason=reason)
    print_summary(Findings(trials, job or {}, evaluated), best_model)


def test_plots_are_named_where_there_are_some(tmp_path, capsys):
    paths = StudyPaths(tmp_path)
    summary(paths, [RECORD])
    assert "What it sees" not in capsys.readouterr().out
    paths.explanation.mkdir()
    (paths.explanation / "index.html").write_text("")
    summary(paths, [RECORD])
    assert f"What it sees:                  {paths.explanation}/index.html\n" in capsys.readouterr().out


def test_what_it_says_of_a_tested_model(capsys):
    evaluated = evaluated_model(caveat="trained for 2 of 3 epochs")
    job = {"trials": 2, "time": "25s"}
    summary(MINE, [RECORD, record(1, 0.9, macs=9_000_000, model="m")], evaluated.model, evaluated, job)
    said = capsys.readouterr().out
    assert said.startswith("\nStudy mine: all trials are done (2 complete)\n\nrank  trial ")
    assert said[said.index("Test") :] == (
        "Test accuracy of the best model (trial 0): 0.8000 (95 %: 0.4902 to 0.9433)\n"
        "As good on validation images:  trial 1\n"
        "Not trained to its end:        trained for 2 of 3 epochs\n"
        "Model registry:                pets, version 3: the first champion\n"
        "Best model:                    studies/mine/best.keras\n"
        "Compare all trials in MLflow:  convtune ui mine\n"
        "Take the best model with you:  convtune export mine\n"
        "Go on:                         convtune tune --study mine --trials 4 --time 25s\n"
    )
    assert max(map(len, said.splitlines())) <= 80


@pytest.mark.parametrize(
    ("metric", "line"),
    [
        ("log_loss", "Test log loss of the best model (trial 0): 0.5000\n"),
        ("roc_auc", "Test ROC AUC of the best model (trial 0): not defined for the test images\n"),
    ],
)
def test_the_test_score_is_that_of_the_metric(capsys, metric, line):
    from pipeline.metrics import METRICS

    summary(MINE, [record(0, 0.5, metric=METRICS[metric], model="m")], None, evaluated_model())
    assert line in capsys.readouterr().out


def test_a_study_without_any_candidate_does_not_point_to_what_libraries_said(tmp_path, capsys):
    infeasible = Counter({"macs over the limit": 500})
    summary(StudyPaths(tmp_path), [], reason=StopReason.NOTHING_NEW, infeasible=infeasible)
    said = capsys.readouterr().out
    assert said.endswith(
        "Most frequent reason: macs over the limit\nBegin another study with a wider space or --limit\n"
    )
    assert "worker.log" not in said


def test_a_study_whose_trials_left_no_model_points_to_what_libraries_said(capsys):
    from pipeline.study.trial import TrialState

    summary(MINE, [record(0, None, TrialState.FAILED, reason="loss is nan")], job={"trials": 1})
    said = capsys.readouterr().out
    assert "Most frequent reason: loss is nan\nWhat the libraries said: studies/mine/worker.log\n" in said
    assert said.endswith("convtune tune --study mine --trials 2\n")
