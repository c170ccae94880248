"""What a person reads when a study ends."""

from collections import Counter

import pytest

from pipeline.folder import StudyFolder
from pipeline.record import Record
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
