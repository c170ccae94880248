"""From a folder of images to a study in two commands."""

import json

import yaml


def test_the_file_that_init_writes_runs_as_it_is(shell):
    written = shell.run("init", "digits", "--output", "jobs/digits.yaml").stdout
    command = written.rpartition("then:  convtune ")[2].split()
    ended = shell.run(*command, "--trials", "1", "--epochs", "1", "--executor", "inline", "--study", "mine")
    assert "Test accuracy of the best model" in ended.stdout
    job = yaml.safe_load((shell.folder / "studies/mine/job.yaml").read_text())
    planned = yaml.safe_load((shell.folder / "jobs/digits.yaml").read_text())
    assert job | planned == job | {"epochs": planned["epochs"]}
    assert 0 < json.loads((shell.folder / "studies/mine/test.json").read_text())["best_model"]["score"] <= 1
