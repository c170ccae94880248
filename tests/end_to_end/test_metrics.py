"""Studies that are scored by another metric, through the real command line; only the training is made up."""

import csv
import json

import pytest
from mlflow import MlflowClient

from pipeline.cli import main
from pipeline.metrics import METRICS, Direction, Metric
from pipeline.schema import job_schema

pytestmark = pytest.mark.usefixtures("undrawn")


@pytest.fixture
def trials(capsys):
    """The trials of the study as ``convtune trials --json`` prints them."""

    def read():
        capsys.readouterr()
        main(["trials", "mine", "--json"])
        return json.loads(capsys.readouterr().out)

    return read


def mlflow_client(folder):
    client = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    return client, client.get_experiment_by_name("convtune").experiment_id


def histories(folder, number, column):
    with (folder / "studies" / "mine" / "trials" / f"{number:04d}" / "history.csv").open() as file:
        return [float(row[column]) for row in csv.DictReader(file)]


@pytest.mark.parametrize("pruner", ["none", "asha", "median", "hyperband"])
def test_the_lowest_log_loss_wins_everywhere(tune, trials, tmp_path, capsys, pruner):
    assert tune("--metric", "log_loss", "--pruner", pruner) == 0
    shown = capsys.readouterr().out
    found = trials()
    complete = [trial for trial in found if trial["state"] == "complete"]
    best = min(complete, key=lambda trial: trial["score"])
    assert best["params"]["filters"] == 32, "the widest is made the best"
    for trial in found:
        assert trial["score"] == pytest.approx(min(histories(tmp_path, trial["trial"], "val_log_loss")), rel=1e-4)
    ranking = [line.split() for line in shown.splitlines() if line.split()[:1] and line.split()[0].isdigit()]
    assert int(ranking[0][1]) == best["trial"]
    assert f"Test log loss of the best model (trial {best['trial']}): " in shown
    if pruner == "asha":
        assert 0 < len(complete) < len(found)
        pruned = [trial["params"]["filters"] for trial in found if trial["state"] == "pruned"]
        assert max(pruned) < 32

    client, experiment = mlflow_client(tmp_path)
    [champion] = client.search_runs([experiment], "tags.best = 'true'")
    assert int(champion.data.tags["number"]) == best["trial"]
    assert champion.data.metrics["score"] == pytest.approx(best["score"])
    [study] = client.search_runs([experiment], "tags.mlflow.runName = 'mine'")
    assert study.data.metrics["val_log_loss"] == pytest.approx(best["score"])
    assert {f"test_{name}" for name in METRICS} <= set(study.data.metrics)


def test_a_resumed_study_keeps_its_metric(tune, trials, capsys):
    assert tune("--metric", "log_loss", "--trials", "3") == 0
    assert main(["tune", "--study", "mine", "--trials", "8", "-q"]) == 0
    found = trials()
    assert len(found) == 8
    assert min(found, key=lambda trial: trial["score"])["params"]["filters"] == 32
    assert tune("--metric", "accuracy") == 2
    assert "was begun with --metric log_loss; choose another --study" in capsys.readouterr().err


def test_the_pareto_front_of_a_minimised_metric(tune, trials):
    assert tune("--metric", "log_loss", "--objective", "score,macs", "--pruner", "none") == 0
    found = trials()
    for trial in found:
        dominated = any(
            other["score"] <= trial["score"] and other["macs"] <= trial["macs"] and other is not trial
            for other in found
        )
        assert trial["front"] == (not dominated)


@pytest.mark.parametrize("metric", METRICS)
def test_every_metric_can_be_the_score(tune, trials, tmp_path, metric):
    assert tune("--metric", metric, "--trials", "2") == 0
    for trial in trials():
        scores = histories(tmp_path, trial["trial"], f"val_{metric}")
        best = min if METRICS[metric].direction is Direction.MINIMIZE else max
        assert trial["score"] == pytest.approx(best(scores), rel=1e-4)
    assert f"metric: {metric}" in (tmp_path / "studies" / "mine" / "job.yaml").read_text()


def test_a_new_metric_is_one_record_in_the_table(tune, trials, tmp_path, monkeypatch, capsys):
    """Nothing else knows metrics by name: flag, history, storage, ranking, MLflow and summary follow."""
    error = Metric("error", "error rate", Direction.MINIMIZE, lambda labels, p: float((p.argmax(1) != labels).mean()))
    monkeypatch.setitem(METRICS, "error", error)
    assert "error" in job_schema()["properties"]["metric"]["enum"]
    assert tune("--metric", "error") == 0
    shown = capsys.readouterr().out
    found = trials()
    best = min(found, key=lambda trial: trial["score"])
    assert f"Test error rate of the best model (trial {best['trial']}): 0.0000" in shown
    assert best["params"]["filters"] == 32
    assert histories(tmp_path, best["trial"], "val_error")[-1] == pytest.approx(best["score"], rel=1e-4)
    client, experiment = mlflow_client(tmp_path)
    [champion] = client.search_runs([experiment], "tags.best = 'true'")
    assert champion.data.metrics["val_error"] == pytest.approx(best["score"])


def test_an_unknown_metric_names_the_nearest(tune, capsys):
    with pytest.raises(SystemExit) as refused:
        tune("--metric", "logloss")
    assert refused.value.code == 2
    assert "did you mean 'log_loss'?" in capsys.readouterr().err


def test_a_metric_that_says_nothing_of_so_few_classes_is_refused(tune, tmp_path, capsys):
    import numpy as np

    images, labels = np.zeros((60, 8, 8), np.uint8), np.arange(60) % 3
    np.savez(tmp_path / "three.npz", x_train=images, y_train=labels)
    assert tune("--data", "three.npz", "--metric", "top5_accuracy") == 2
    assert "--metric: top5_accuracy needs at least 6 classes, and three has 3" in capsys.readouterr().err
