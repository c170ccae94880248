"""A study of score and MACs through the real command line; only the training and its models are made up."""

import csv
import itertools
import json

import pytest
from mlflow import MlflowClient

from pipeline.cli import main


def dominates(one, other):
    better = one["score"] >= other["score"] and one["macs"] <= other["macs"]
    return better and (one["score"], one["macs"]) != (other["score"], other["macs"])


def test_a_study_of_two_objectives(tune, tmp_path, capsys):
    assert tune("--objective", "score,macs", "--pruner", "asha") == 0
    shown = capsys.readouterr().out
    main(["trials", "mine", "--json"])
    trials = json.loads(capsys.readouterr().out)
    complete = [one for one in trials if one["state"] == "complete"]
    assert len(trials) == 8
    assert len(complete) < 8, "pruning goes by the score alone"
    for one in trials:
        better = one not in complete or any(dominates(other, one) for other in complete)
        assert one["front"] == (not better)
    front = {one["trial"] for one in trials if one["front"]}
    assert len(front) == 4
    lines = list(itertools.dropwhile(lambda line: not line.startswith("rank"), shown.splitlines()))[1:9]
    assert [line.split()[3] == "yes" for line in lines] == [True] * 4 + [False] * 4
    champion = max(complete, key=lambda one: one["score"])
    assert f"best model (trial {champion['trial']})" in shown
    assert "On the Pareto front:           4 trials" in shown

    study = tmp_path / "studies" / "mine"
    rows = list(csv.DictReader((study / "trials.csv").open()))
    assert {int(row["trial"]) for row in rows if row["front"] == "True"} == front
    pictures = {"front_macs.png", "history.png", "importance.png"}
    assert pictures <= {path.name for path in (study / "plots").iterdir()}
    assert "objective: score,macs" in (study / "job.yaml").read_text()

    client = MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}")
    runs = client.search_runs([client.get_experiment_by_name("convtune").experiment_id], "tags.pareto_front = 'true'")
    assert {int(run.data.tags["number"]) for run in runs} == front
    drawn = client.list_artifacts(runs[0].data.tags["mlflow.parentRunId"], "plots")
    assert {f"plots/{name}" for name in pictures} <= {file.path for file in drawn}
    best = [run for run in runs if run.data.tags.get("best") == "true"]
    assert [int(run.data.tags["number"]) for run in best] == [champion["trial"]]

    assert tune("--objective", "score") == 2
    refused = capsys.readouterr().err
    assert "was begun with --objective score,macs" in refused
    assert len(refused.splitlines()) == 1
    assert main(["tune", "--study", "mine", "-q"]) == 0


@pytest.mark.parametrize("objective", ["macs", "score,mac", "score,score", "accuracy,macs"])
def test_what_is_no_objective_is_refused_before_anything_is_written(tune, objective, tmp_path, capsys):
    with pytest.raises(SystemExit) as refused:
        tune("--objective", objective)
    assert refused.value.code == 2
    assert "convtune tune: --objective: " in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.yaml", "mlflow.db"]
