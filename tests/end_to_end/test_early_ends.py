"""Studies that end early, through the real command line; only the training and its models are made up."""

import csv

import pytest
import yaml
from mlflow import MlflowClient

pytestmark = pytest.mark.usefixtures("undrawn")


@pytest.fixture
def rows(tmp_path):
    """Reads the table of trials."""
    return lambda: list(csv.DictReader((tmp_path / "studies" / "mine" / "trials.csv").open()))


def test_a_study_ends_at_a_score_and_resumes_to_nothing_new(tune, rows, tmp_path, capsys):
    assert tune("--stop-at", "0.55", "--pruner", "none") == 0
    shown = capsys.readouterr().out
    assert "Study mine: a trial has reached the score of --stop-at (" in shown
    assert "convtune tune --study " in shown
    assert shown.splitlines()[-1].endswith("convtune tune --study mine --stop-at 1")
    ended = rows()
    assert float(ended[-1]["score"]) >= 0.55
    assert all(float(row["score"]) < 0.55 for row in ended[:-1])
    assert len(ended) < 8
    assert yaml.safe_load((tmp_path / "studies" / "mine" / "job.yaml").read_text())["stop_at"] == 0.55
    client = MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}")
    runs = client.search_runs([client.get_experiment_by_name("convtune").experiment_id], "params.stop_at = '0.55'")
    assert len(runs) == 1

    assert tune() == 0
    assert "Study mine: a trial has reached the score of --stop-at (" in capsys.readouterr().out
    assert rows() == ended
    assert tune("--stop-at", "1") == 0
    assert "Study mine: the space has no further candidate (8 complete)" in capsys.readouterr().out


def test_a_study_ends_when_its_patience_does(tune, rows, capsys):
    for _ in range(2):
        assert tune("--patience", "1", "--pruner", "none") == 0
        shown = capsys.readouterr().out
        assert "Study mine: no better score in as many trials in a row as --patience allows (" in shown
        scores = [float(row["score"]) for row in rows()]
        assert scores[-1] <= scores[-2]
        assert scores[:-1] == sorted(set(scores[:-1]))
        assert len(scores) < 8
