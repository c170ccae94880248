"""What the model card says of a study."""

import argparse
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.cli import tune
from pipeline.cli.card_facts import _describe_study, _flags
from pipeline.cli.model_argument import ModelSource
from pipeline.job import SETTINGS, Job, read_job
from pipeline.study.model_metadata import ModelMetadata, write_metadata
from tests.report.made_up import evaluated, record, study

JOBS = [
    Job("photos"),
    Job("my photos; rm -r x", study="s", time=5400.0, trials=30, image_size=(48, 64), class_weight="balanced"),
    Job("-photos", search="random", pruner="none", metric="log_loss", objective=("score", "macs"), stop_at=0.25),
    Job(
        "photos",
        space="search_spaces/my own.yaml",
        attempts=({"blocks": 2, "filters": [16, 32], "pool": ["max", "none"]}, "resnet18", {"learning_rate": 1e-05}),
        fixed=(("dropout", 0.25), ("flip", True), ("kernel", 3), ("norm", "batch"), ("weight_decay", 1e-05)),
        limits=(("latency_ms", "none"), ("macs", "20M"), ("memory", "2GB"), ("parameters", 5_000_000)),
        register="our pets",
    ),
]


def asked_for(command):
    """The job that a command line asks for."""
    program, name, *words = shlex.split(command)
    assert (program, name) == ("convtune", "tune")
    parser = argparse.ArgumentParser()
    tune.arguments(parser)
    flags = vars(parser.parse_args(words))
    return read_job(None, {key: flags[key] for key in SETTINGS}).job


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.data)
def test_the_flags_ask_for_the_job(job):
    assert asked_for(shlex.join(["convtune", "tune", *_flags(job)])) == replace(job, study="")


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def model_of(paths):
    """The model of trial 0: nothing but its metadata."""
    paths.trial(0).mkdir(parents=True)
    write_metadata(ModelMetadata(("cat", "dog"), (8, 8, 1), "pets", "d", 0, "s", 0), paths.model(0))
    return ModelSource(paths.model(0), paths.name, paths)


def test_a_study_in_the_words_of_the_card(here):
    records = [record(0, 0.8, planned=10, reason="time was up", params={"blocks": 2}), record(1, 0.7)]
    paths = evaluated(study(Path("studies/s"), records))
    about = _describe_study(model_of(paths))
    assert about["params"] == {"blocks": 2}
    assert about["caveat"] == "trained for 3 of 10 epochs (time was up)"
    assert about["search"] == "The study had 2 trials of the space quick (bayesian search)."
    assert about["versions"] == {"python": "3.11.7", "keras": "3.15.1"}
    assert asked_for(about["command"]) == Job("pets", keep_models="all"), "it was begun before models were left out"


def test_a_study_whose_test_is_damaged_or_missing_has_no_versions(here, capsys):
    paths = study(Path("studies/s"), [record(0)])
    model = model_of(paths)
    assert (_describe_study(model)["versions"], capsys.readouterr().err) == ({}, "")
    paths.evaluation.write_text("{")
    assert _describe_study(model)["versions"] == {}
    assert "warning: no versions of packages in the model card: studies/s/test.json: damaged" in capsys.readouterr().err


def test_a_model_without_its_study_says_nothing_of_one(here):
    paths = study(Path("studies/s"), [record(0)])
    assert _describe_study(replace(model_of(paths), study=None)) == {}
