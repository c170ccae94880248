"""What a person reads when a study ends."""

from collections import Counter

import pytest

from pipeline.folder import StudyFolder
from pipeline.record import Record
from pipeline.search.loop import TIME_UP
from pipeline.trial import Outcome, State
from pipeline.tune.summary import summary


def test_pictures_are_named_where_there_are_some(tmp_path, capsys):
    folder = StudyFolder(tmp_path)
    record = Record(0, {}, (), {"parameters": 1, "macs": 1}, 0, Outcome(0, State.COMPLETE, 0.5, 1, model="m.keras"))
    summary(folder, [record], Counter(), "done", None)
    assert "What it sees" not in capsys.readouterr().out
    folder.look.mkdir()
    (folder.look / "index.html").write_text("")
    summary(folder, [record], Counter(), "done", None)
    assert f"What it sees:                  {folder.look}/index.html\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("store", "place"),
    [("", "convtune ui"), ("https://me:secret@mlflow.example:5000", "https://mlflow.example:5000")],
)
def test_it_says_where_the_trials_are_to_be_seen(tmp_path, capsys, monkeypatch, store, place):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    record = Record(0, {}, (), {"parameters": 1, "macs": 1}, 0, Outcome(0, State.COMPLETE, 0.5, 1, model="m.keras"))
    summary(StudyFolder(tmp_path), [record], Counter(), "done", None)
    assert f"Compare all trials in MLflow:  {place}\n" in capsys.readouterr().out


def test_after_the_time_it_says_how_to_go_on(tmp_path, capsys):
    record = Record(0, {}, (), {"parameters": 1, "macs": 1}, 0, Outcome(0, State.COMPLETE, 0.5, 1, model="m.keras"))
    summary(StudyFolder(tmp_path / "mine"), [record], Counter(), "all trials are done", None)
    assert "Go on:" not in capsys.readouterr().out
    summary(StudyFolder(tmp_path / "mine"), [record], Counter(), TIME_UP, None)
    assert f"Go on:                         convtune tune --study {tmp_path}/mine\n" in capsys.readouterr().out


def test_a_study_without_any_candidate_does_not_point_to_what_libraries_said(tmp_path, capsys):
    summary(StudyFolder(tmp_path), [], Counter({"macs over the limit": 500}), "used up", None)
    said = capsys.readouterr().out
    assert "Most frequent reason: macs over the limit\nBegin another study with a wider space or --limit\n" in said
    assert "worker.log" not in said
