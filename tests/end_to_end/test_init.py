"""From a folder of images to a study in two commands."""

import json

import yaml

from pipeline.cli import main


def test_the_file_that_init_writes_runs_as_it_is(here, capsys, undrawn, only_tested):
    assert main(["init", "digits", "--output", "jobs/digits.yaml"]) == 0
    written = capsys.readouterr().out
    command = written.rpartition("then:  convtune ")[2].split()
    assert main([*command, "--trials", "1", "--epochs", "1", "--executor", "inline", "--study", "mine"]) == 0
    assert "Test accuracy of the best model" in capsys.readouterr().out
    job = yaml.safe_load((here / "studies/mine/job.yaml").read_text())
    planned = yaml.safe_load((here / "jobs/digits.yaml").read_text())
    assert job | planned == job | {"epochs": planned["epochs"]}
    assert 0 < json.loads((here / "studies/mine/test.json").read_text())["best_model"]["score"] <= 1
