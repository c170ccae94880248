"""A model that is registered after its study: what the registry refuses is still missing, and nothing is forgotten."""

import json
from dataclasses import asdict
from types import SimpleNamespace

import pytest

from pipeline.report.evaluated_model import BestModel
from pipeline.steps import register_later as step
from pipeline.study.paths import locate
from pipeline.tracking import ModelDecision

ELSEWHERE = BestModel(0, "d", "accuracy", 0.9, {}, 3, "pets, version 3: the first champion", "pets")


@pytest.fixture
def paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    paths = locate("./mine")
    paths.path.mkdir()
    paths.best_model.write_text("a model")
    paths.evaluation.write_text(json.dumps({"best_model": asdict(ELSEWHERE)}))
    return paths


@pytest.fixture
def register(paths, monkeypatch):
    """Registers the best model of the study, which is registered on another server already; the registry decides so."""

    def decide(decision):
        monkeypatch.setattr(step, "describe_registration", lambda *facts: None)
        monkeypatch.setattr(step, "register_model", lambda *facts: decision)
        fingerprint = SimpleNamespace(data=SimpleNamespace(name="pets", source="/pets", shape=(8, 8, 1)), content="c")
        evaluated = SimpleNamespace(model=ELSEWHERE, scores={})
        tracker = SimpleNamespace(has_registered=lambda number: False)
        return step.register_later(tracker, paths, SimpleNamespace(number=0), {}, fingerprint, evaluated)

    return decide


def noted(paths):
    return json.loads(paths.evaluation.read_text())["best_model"]


def test_what_the_registry_takes_is_noted(register, paths):
    assert register(ModelDecision(1, True, "the champion")) == ("pets, version 1: the champion", True)
    assert (noted(paths)["version"], noted(paths)["registry_note"]) == (1, "pets, version 1: the champion")


def test_what_it_refuses_is_still_missing_and_stays_registered_elsewhere(register, paths):
    assert register(ModelDecision(0, False, "not registered: no right")) == ("not registered: no right", False)
    assert noted(paths) == asdict(ELSEWHERE)
