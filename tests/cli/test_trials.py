"""``convtune trials``."""

import argparse
import csv
import io
import json
import shutil

import pytest

from pipeline.cli import trials
from pipeline.errors import JobError, StudyError
from pipeline.metrics import METRICS
from pipeline.study.objective import Objective
from pipeline.study.trial import TrialState
from tests.report.made_up import record, study

RECORDS = [
    record(0, 0.9, params={"blocks": 1, "optimizer": "adam"}),
    record(1, None, TrialState.FAILED, reason="loss is nan", params={"blocks": 2, "optimizer": "adam"}),
    record(2, 0.8, params={"blocks": 3, "optimizer": "adam"}, parameters=1_234_567),
]


@pytest.fixture(scope="module")
def studies(tmp_path_factory):
    root = tmp_path_factory.mktemp("trials")
    study(root / "studies" / "full", RECORDS, ("map vanishes",) * 2 + ("macs over the limit",))
    study(root / "studies" / "empty", [])
    return root


@pytest.fixture
def root(studies, monkeypatch):
    monkeypatch.chdir(studies)
    return studies


def run(*words):
    parser = argparse.ArgumentParser()
    trials.arguments(parser)
    return trials.run(parser.parse_args(words))


def test_the_table(root, capsys):
    assert run("full") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["trial", "state", "score", "epochs", "seconds", "parameters", "macs", "params"]
    assert [line.split()[0] for line in lines[1:4]] == ["0", "1", "2"]
    assert lines[2].endswith("blocks=2  (loss is nan)")
    assert "1,234,567" in lines[3]
    assert lines[4:] == ["3 infeasible proposals: 2 map vanishes, 1 macs over the limit"]
    assert not any(line.endswith(" ") or "\x1b" in line or "optimizer" in line for line in lines)


def test_sorting_filtering_and_top(root, capsys):
    assert run("full", "--where", "state=complete", "--sort", "score", "--reverse", "--top", "1", "--json") == 0
    assert [row["trial"] for row in json.loads(capsys.readouterr().out)] == [0]


def test_json(root, capsys):
    run("full", "--json")
    rows = json.loads(capsys.readouterr().out)
    keys = {"trial", "state", "score", "params", "epochs", "seconds", "parameters", "macs", "reason"}
    assert all(set(row) == keys for row in rows)
    assert [row["score"] for row in rows] == [0.9, None, 0.8]


def test_csv(root, capsys):
    run("full", "--csv", "--where", "blocks>1")
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["blocks"] for row in rows] == ["2", "3"]
    assert rows[0]["score"] == ""


def test_a_study_by_its_path(root, capsys):
    assert run(str(root / "studies" / "full"), "--json") == 0
    assert len(json.loads(capsys.readouterr().out)) == 3


def test_no_trials(root, capsys):
    assert run("empty") == 0
    assert capsys.readouterr().out == "Study empty has no trials yet.\n"
    run("empty", "--json")
    assert capsys.readouterr().out == "[]\n"


def test_a_study_that_ended_before_its_first_trial(root, tmp_path, capsys):
    shutil.copytree(root / "studies" / "empty", tmp_path / "begun")
    (tmp_path / "begun" / "optuna.db").unlink()
    assert run(str(tmp_path / "begun")) == 0
    assert "no trials yet" in capsys.readouterr().out
    assert not (tmp_path / "begun" / "optuna.db").exists()


def test_no_match(root, capsys):
    run("full", "--where", "score>1")
    assert "No trial of study full matches --where; it has 3." in capsys.readouterr().out


def test_an_unknown_study(root):
    with pytest.raises(StudyError, match=r"unknown study 'ful'.*did you mean 'full'"):
        run("ful")


@pytest.mark.parametrize("words", [("--sort", "x"), ("--where", "x=1"), ("--where", "score>x")])
def test_a_bad_flag_is_named(root, words):
    with pytest.raises(JobError, match=words[0]):
        run("full", f"{words[0]}={words[1]}")


@pytest.mark.parametrize("number", ["0", "-1", "x"])
def test_a_bad_number_is_named_with_its_flag(root, capsys, number):
    with pytest.raises(SystemExit, match="2"):
        run("full", f"--top={number}")
    assert f"--top: expected a whole number from 1, got '{number}'" in capsys.readouterr().err


@pytest.mark.parametrize("flag", ["--sort=value", "--where=value>=0.9", "--sort=values"])
def test_an_old_word_leads_to_the_new_one(root, flag):
    with pytest.raises(JobError, match=r"unknown column 'values?', did you mean 'score'"):
        run("full", flag)


def test_the_table_says_what_the_score_is(tmp_path, capsys):
    log_loss = METRICS["log_loss"]
    records = [record(0, 0.3, metric=log_loss), record(1, 0.2, metric=log_loss)]
    folder = study(tmp_path / "loss", records, objective=Objective(log_loss))
    assert run(str(folder.path)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "score: validation log loss (lower is better)"
    assert [line.split()[2] for line in lines[1:]] == ["score", "0.3000", "0.2000"]
