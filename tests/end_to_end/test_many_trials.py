"""A study of 2,000 trials: it works as a small one does, and its last trials cost no more than its first."""

import itertools
import json
import sqlite3
import statistics
import time
from contextlib import closing
from pathlib import Path

import pytest
from mlflow import MlflowClient

from pipeline.cli import main
from pipeline.search.optuna_study import read_study
from pipeline.steps.study_files import StudyFiles
from pipeline.study.record import ranked
from pipeline.tracking import Tracker
from pipeline.tracking.entities import to_text
from tests.end_to_end.pretend import WIDE, PretendTraining

pytestmark = pytest.mark.usefixtures("only_tested")

MANY = 2000


@pytest.fixture
def study(tune, here, monkeypatch):
    """Runs the study to so many trials, whose scores fall with their numbers."""
    (here / "mine.yaml").write_text(WIDE)

    def metrics(training, epoch):
        score = 0.9 - training.number / 10_000
        return {"loss": 1 - score, "val_accuracy": score, "val_f1_macro": score, "val_log_loss": 1 - score}

    monkeypatch.setattr(PretendTraining, "_metrics", metrics)
    flags = "--quiet --search random --pruner none --epochs 1 --objective score,macs --trials"
    return lambda trials: tune(*flags.split(), str(trials))


@pytest.fixture
def ended(monkeypatch):
    """The processor time of this thread whenever a trial has ended, in seconds."""
    moments, trial_ended = [], StudyFiles.trial_ended

    def noted(files, record):
        trial_ended(files, record)
        moments.append(time.thread_time())

    monkeypatch.setattr(StudyFiles, "trial_ended", noted)
    return moments


def without_mlflow():
    tracker = Tracker("sqlite:///mlflow.db")
    tracker.mute()
    return tracker


def add_runs(records):
    """Gives each of these trials the run that MLflow would have: sending them takes minutes."""
    ranks = {record.number: rank for rank, record in enumerate(ranked(records), start=1)}
    with closing(sqlite3.connect("mlflow.db")) as database, database:
        [(template,)] = database.execute("SELECT run_uuid FROM tags WHERE key = 'number' AND value = '0'")
        for table in ("runs", "tags", "params", "metrics", "latest_metrics"):
            names = [column[1] for column in database.execute(f"PRAGMA table_info({table})")]
            rows = database.execute(f"SELECT * FROM {table} WHERE run_uuid = ?", [template]).fetchall()
            rows = [dict(zip(names, row, strict=True)) for row in rows]
            copies = [changed(row, one, ranks[one.number]) for one in records[3:] for row in rows]
            places = ", ".join(f":{name}" for name in names)
            database.executemany(f"INSERT INTO {table} VALUES ({places})", copies)


def changed(row, record, rank):
    """A row of the run of trial 0, as another trial has it."""
    values = {"number": record.number, "rank": rank, "pareto_front": to_text(record.front), "best": to_text(rank == 1)}
    values = {key: str(value) for key, value in values.items()} | {"score": round(record.score, 6)}
    key = row.get("key")
    return row | {"run_uuid": f"{record.number:032x}"} | ({"value": values[key]} if key in values else {})


def runs_of_trials():
    client = MlflowClient(f"sqlite:///{Path('mlflow.db').resolve()}")  # MLflow keeps connections by their address
    [experiment] = [one for one in client.search_experiments() if one.name == "convtune"]
    found, token = [], None
    while token is None or token:
        page = client.search_runs([experiment.experiment_id], max_results=1000, page_token=token)
        found, token = [*found, *page], page.token or ""
    return {int(run.data.tags["number"]): run for run in found if "number" in run.data.tags}


def test_two_thousand_trials(study, ended, here, capsys, monkeypatch):
    assert study(3) == 0
    with monkeypatch.context() as patch:
        patch.setattr("pipeline.steps.prepare.connect_or_wait", without_mlflow)
        assert study(MANY) == 0
    costs = [later - earlier for earlier, later in itertools.pairwise(ended)]
    # It was 4.5 times as much while each trial had the whole Pareto front computed anew.
    assert statistics.median(costs[-100:]) < 3 * statistics.median(costs[50:150])

    records, _ = read_study(here / "studies" / "mine" / "optuna.db")
    assert [record.number for record in records] == list(range(MANY))
    add_runs(records)
    assert study(MANY + 2) == 0
    runs = runs_of_trials()
    assert sorted(runs) == list(range(MANY + 2))
    assert {run.info.status for run in runs.values()} == {"FINISHED"}
    assert [runs[number].info.run_id for number in (3, MANY - 1)] == [f"{3:032x}", f"{MANY - 1:032x}"]

    capsys.readouterr()
    assert main(["trials", "mine", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [trial["state"] for trial in listed] == ["complete"] * (MANY + 2)
    assert len((here / "studies" / "mine" / "trials.csv").read_text().splitlines()) == MANY + 3
    assert main(["studies", "--json"]) == 0
    assert [one["trials"] for one in json.loads(capsys.readouterr().out)] == [MANY + 2]
    assert main(["report", "mine"]) == 0
    assert "2,002" in (here / "studies" / "mine" / "report.html").read_text()
