"""``convtune trials``."""

import argparse
import csv
import io
import json
import shutil

import pandas
import pytest

from pipeline.cli import trials
from pipeline.errors import JobError, StudyError
from pipeline.metrics import METRICS
from pipeline.study.objective import Objective
from pipeline.study.trial import TrialState
from tests.report.made_up import record, study

LOG_LOSS = METRICS["log_loss"]

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
    study(root / "studies" / "second", [record(0, 0.95, params={"kernel": 3}), record(1, 0.7, TrialState.PRUNED)])
    losses = [record(0, 0.2, metric=LOG_LOSS)]
    study(root / "studies" / "losses", losses, objective=Objective(LOG_LOSS))
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
    assert lines[4:] == [
        "3 points of the space were passed over before training: "
        "2 (map vanishes: the layers shrink the image to nothing), 1 (macs over the limit)"
    ]
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


def test_several_studies_are_compared_in_one_row_each(root, capsys):
    assert run("full", "second", "full", "empty") == 0
    header, *rows, legend = capsys.readouterr().out.splitlines()
    assert header.split() == [
        *(["study", "trials", "best", "score", "test", "epochs", "parameters", "macs", "seconds", "searched"])
    ]
    assert [row.split()[:4] for row in rows] == [
        ["full", "2/0/1", "0", "0.9000"],
        ["second", "1/1/0", "0", "0.9500"],
        ["empty", "0/0/0", "-", "-"],
    ]
    assert rows[0].endswith("data=digits space=quick metric=accuracy")
    assert "complete/pruned/failed" in legend


def test_a_comparison_has_what_differs_and_interrupted_trials_where_there_are_some(root, tmp_path, capsys):
    weight = {"class_weight": "none"}
    cut = [record(0, 0.9, params=weight, drawn=()), record(1, 0.5, TrialState.INTERRUPTED, params=weight, drawn=())]
    for name, records in (("cut", cut), ("weighed", [record(0, 0.9, params={"class_weight": "max"})])):
        with study(tmp_path / name, records).job.open("a") as file:
            file.write("image_size: 32x32\n")
    run(str(tmp_path / "cut"), str(tmp_path / "weighed"))
    out = capsys.readouterr().out
    assert [line.split()[1] for line in out.splitlines() if "/0/" in line] == ["1/0/0/1", "1/0/0/0"]
    assert "metric=accuracy class_weight=none\n" in out
    assert "metric=accuracy class_weight=searched\n" in out
    assert "trials: complete/pruned/failed/interrupted; best" in out
    run("full", str(tmp_path / "cut"))
    out = capsys.readouterr().out
    assert "image_size=-\n" in out
    assert "image_size=32x32\n" in out


def test_conditions_order_and_number_apply_to_the_rows_of_a_comparison(root, capsys):
    run("full", "second", "--where", "score<0.9", "--sort", "score", "--reverse", "--top", "1")
    _, row, _ = capsys.readouterr().out.splitlines()
    assert row.split()[:4] == ["full", "1/0/0", "2", "0.8000"]


def test_scores_that_do_not_compare_are_said_and_never_sorted(root, capsys):
    run("full", "losses")
    line = "Scores of losses do not compare with those of full: metric log_loss"
    assert capsys.readouterr().out.splitlines()[-1] == line
    run("full", "losses", "--csv")
    assert capsys.readouterr().err == f"{line}\n"
    for format in ([], ["--json"]):
        for column in ("score", "rank") if format else ("score", "test"):
            with pytest.raises(JobError, match=f"--sort {column}: scores of losses do not compare .* metric log_loss;"):
                run("full", "losses", "--sort", column, *format)


def test_the_trials_of_several_studies_for_other_programs(root, tmp_path, capsys):
    words = ["full", "second", "--sort", "score", "--reverse", "--top", "2"]
    run(*words, "--json")
    rows = json.loads(capsys.readouterr().out)
    assert [(row["study"], row["trial"], row["score"]) for row in rows] == [("second", 0, 0.95), ("full", 0, 0.9)]
    run(*words, "--csv", "--where", "study=full")
    [first, _] = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert (first["study"], first["metric"], first["trial"], first["kernel"]) == ("full", "accuracy", "0", "")
    run(*words, "--parquet", str(tmp_path / "t.parquet"))
    frame = pandas.read_parquet(tmp_path / "t.parquet")
    assert frame.study.to_list() == ["second", "full"]
    assert frame.kernel.to_list() == [3, pandas.NA]


def test_a_parquet_file_is_replaced_and_nothing_else_is(root, tmp_path, capsys):
    file, other = tmp_path / "t.parquet", tmp_path / "notes.txt"
    for number in (3, 1):
        run("full", "--top", str(number), "--parquet", str(file))
        assert len(pandas.read_parquet(file)) == number
    assert capsys.readouterr().out.startswith(f"{file}: 3 trials, 10 columns; ")
    other.write_text("mine")
    with pytest.raises(JobError, match=r"notes\.txt is there and is not a Parquet file"):
        run("full", "--parquet", str(other))
    assert other.read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["notes.txt", "t.parquet"]


@pytest.mark.parametrize(
    ("variables", "coloured"),
    [
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"CLICOLOR_FORCE": "1"}, True),
        ({"FORCE_COLOR": "0", "CLICOLOR_FORCE": "0"}, False),
        ({"FORCE_COLOR": ""}, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    ],
)
def test_colours_go_into_a_pipe_only_where_they_are_forced(root, capsys, monkeypatch, variables, coloured):
    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in (variables | {"TERM": "xterm"}).items():
        monkeypatch.setenv(name, value)
    run("full")
    shown = capsys.readouterr().out
    assert ("\x1b[32mcomplete" in shown) is coloured
    assert ("\x1b" in shown) is coloured
    assert len(shown.splitlines()) == 5


def test_the_table_says_what_the_score_is(tmp_path, capsys):
    records = [record(0, 0.3, metric=LOG_LOSS), record(1, 0.2, metric=LOG_LOSS)]
    folder = study(tmp_path / "loss", records, objective=Objective(LOG_LOSS))
    assert run(str(folder.path)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "score: validation log loss (lower is better)"
    assert [line.split()[2] for line in lines[1:]] == ["score", "0.3000", "0.2000"]
