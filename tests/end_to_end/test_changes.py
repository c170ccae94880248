"""What changes between two sessions of a study, or under it: the clock, the names of its folders, its images."""

import json
import re
import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest
from mlflow import MlflowClient
from PIL import Image

from pipeline.cli import main
from pipeline.executors import EXECUTORS, InlineExecutor
from pipeline.executors.task import PickledTask
from pipeline.training.task import TrainTask
from tests.end_to_end.pretend import PRETEND, PretendExecutor, PretendTraining

pytestmark = pytest.mark.usefixtures("undrawn", "only_tested")


def test_a_clock_that_is_set_back_an_hour_while_a_trial_trains_makes_no_time_negative(tune, capsys, monkeypatch):
    now, now_ns, back = time.time, time.time_ns, []
    monkeypatch.setattr(time, "time", lambda: now() - 3600 * len(back))
    monkeypatch.setattr(time, "time_ns", lambda: now_ns() - 3600 * 10**9 * len(back))
    with monkeypatch.context() as setting:
        pretend(setting, before=lambda task: back.append(task) if task.number == 1 else None)
        assert tune("--trials", "2", "--pruner", "none") == 0
    assert back
    assert tune("--trials", "4", "--pruner", "none") == 0
    capsys.readouterr()
    assert main(["trials", "mine", "--json"]) == 0
    trials = json.loads(capsys.readouterr().out)
    assert [trial["state"] for trial in trials] == ["complete"] * 4
    assert min(trial["seconds"] for trial in trials) >= 0
    assert main(["studies"]) == 0
    client = MlflowClient("sqlite:///mlflow.db")
    runs = client.search_runs([one.experiment_id for one in client.search_experiments()])
    assert len(runs) == 5
    assert [run.info.run_name for run in runs if run.info.end_time < run.info.start_time] == []


@pytest.mark.parametrize(
    "name", ["my study", 'it\'s "mine"', "a%20b", "a%2Fb", "кошки", "a;b&c", "x{y}", "-dash", "#1"]
)
def test_a_study_of_any_name_goes_on_and_is_found(tune, capsys, name):
    flags = ("--study", f"./{name}") if name.startswith("-") else ("--study", name)
    assert tune(*flags, "--trials", "1") == 0
    assert main(["tune", *flags, "--trials", "2"]) == 0
    capsys.readouterr()
    assert main(["trials", flags[1], "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 2
    assert main(["studies", "." if name.startswith("-") else "studies"]) == 0
    assert name in capsys.readouterr().out
    assert main(["delete", flags[1], "--yes"]) == 0
    assert not Path(*([] if name.startswith("-") else ["studies"]), name).exists()


@pytest.fixture
def pets(here):
    """A folder of 24 images."""
    for label, name in enumerate(("cat", "dog")):
        (here / "pets" / name).mkdir(parents=True)
        for number in range(12):
            Image.new("RGB", (16, 16), (9 * number, 99 * label, 0)).save(here / "pets" / name / f"{number}.png")
    return here / "pets"


def pretend(monkeypatch, before=lambda task: None, after=lambda task: None):
    """Trainings are pickled, as for a worker; ``before`` and ``after`` that happens something else."""

    class Pickling(PretendExecutor):
        def submit(self, task):
            if not isinstance(task, TrainTask):
                return super().submit(task)
            before(task)
            pickled = PickledTask.of(PretendTraining(task))
            after(task)
            return InlineExecutor.submit(self, pickled)

    monkeypatch.setitem(EXECUTORS, "inline", replace(PRETEND, start=lambda *_: Pickling()))


def remove_images(task):
    shutil.rmtree(task.inputs.dataset.folder)


def test_a_study_whose_images_leave_the_cache_trains_on_with_the_same_ones(tune, pets, capsys, monkeypatch):
    def remove_both(task):
        remove_images(task)
        (pets / "cat/0.png").unlink(missing_ok=True)  # made anew from the source, they would be others

    pretend(monkeypatch, before=remove_both)
    assert tune("--data", "pets", "--trials", "3") == 0
    out, err = capsys.readouterr()
    assert "all trials are done (3 complete)" in out
    assert err.count("removed while it is in use; written again, with the same images") == 3


def test_a_trial_whose_images_are_gone_is_a_fault_of_the_machine(tune, pets, capsys, monkeypatch):
    pretend(monkeypatch, after=lambda task: remove_images(task) if task.number == 1 else None)
    assert tune("--data", "pets", "--trials", "3", "--pruner", "none") == 0
    assert "all trials are done (2 complete, 1 failed)" in capsys.readouterr().out
    assert main(["trials", "mine", "--json"]) == 0
    [reason] = [trial["reason"] for trial in json.loads(capsys.readouterr().out) if trial["state"] == "failed"]
    assert reason.startswith("machine fault: ")
    assert "not a readable cache entry" in reason
    pretend(monkeypatch)
    assert tune("--data", "pets", "--trials", "3", "--pruner", "none", "--retry-failed") == 0
    assert "all trials are done (3 complete)" in capsys.readouterr().out


def add(pets):
    Image.new("RGB", (16, 16), "white").save(pets / "cat/new.png")


def repaint(pets):
    Image.new("RGB", (16, 16), "white").save(pets / "cat/3.png")


@pytest.mark.parametrize(
    ("change", "now", "refused"),
    [
        (add, "24 images then, 25 now; ", r"and now got pets \(25 images 16x16x3, digest \w{8}\)"),
        (
            repaint,
            "24 images then, 24 now, and other names, sizes or times of files; ",
            r"and now got pets \(24 images",
        ),
        (shutil.rmtree, "24 images then, and now it is gone or cannot be read; ", "pets: no such dataset"),
        (lambda pets: (pets / "cat/3.png").touch(), "24 images then, 24 now, and other names", None),
    ],
    ids=["add", "repaint", "remove", "touch"],
)
def test_images_that_change_under_a_study_are_told_and_refused_later(
    tune, pets, capsys, monkeypatch, change, now, refused
):
    flags = ("--data", "pets", "--pruner", "none")
    pretend(monkeypatch, before=lambda task: change(pets) if task.number == 1 else None)
    assert tune(*flags, "--trials", "3") == 0
    out, err = capsys.readouterr()
    assert "all trials are done (3 complete)" in out
    [line] = [line for line in err.splitlines() if "has changed" in line]
    assert re.match(rf"warning: pets: has changed since this study read it with digest \w{{8}}: {now}", line)
    pretend(monkeypatch)
    assert tune(*flags, "--trials", "4") == (2 if refused else 0)
    err = capsys.readouterr().err
    assert re.search(refused, err) if refused else "has changed" not in err
