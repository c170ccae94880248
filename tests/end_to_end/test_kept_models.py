"""A whole study keeps the models of its best trials, also of those that an earlier session trained."""

import json
from pathlib import Path

import pytest

from pipeline.cli import main

pytestmark = pytest.mark.usefixtures("undrawn", "only_tested")


def on_disk():
    return sorted(int(file.parent.name) for file in Path("studies/mine/trials").glob("*/model.keras"))


def best_first(capsys, *flags):
    capsys.readouterr()
    assert main(["trials", "mine", "--json"]) == 0
    trials = [trial for trial in json.loads(capsys.readouterr().out) if trial["state"] == "complete"]
    return sorted(trials, key=lambda trial: (-trial["score"], trial["macs"], trial["trial"]))


def test_the_best_stay_while_a_study_goes_on_and_when_it_is_to_keep_fewer(tune, capsys):
    assert tune("--pruner", "none", "--trials", "5", "--keep-models", "3") == 0
    best = [trial["trial"] for trial in best_first(capsys)]
    assert (len(best), on_disk()) == (5, sorted(best[:3]))
    assert tune("--pruner", "none", "--trials", "8", "--keep-models", "1") == 0
    assert on_disk() == [best_first(capsys)[0]["trial"]]
    assert Path("studies/mine/best.keras").is_file()
    assert main(["trials", "mine"]) == 0
    assert "Models are kept of the best 1 trial (--keep-models), not of 7 others; " in capsys.readouterr().out


def test_a_study_can_keep_all(tune, capsys):
    assert tune("--pruner", "none", "--trials", "7", "--keep-models", "all") == 0
    assert on_disk() == list(range(7))


def test_the_front_stays(tune, capsys):
    assert tune("--pruner", "none", "--objective", "score,macs", "--keep-models", "1") == 0
    trials = best_first(capsys)
    front = {trial["trial"] for trial in trials if trial["front"]}
    assert len(front) > 1
    assert {*on_disk()} == front | {trials[0]["trial"]}
