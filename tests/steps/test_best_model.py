"""What follows the last trial."""

import re
import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from pipeline.data import load
from pipeline.errors import ModelError, StudyError, WorkerError
from pipeline.executors import InlineExecutor
from pipeline.explain.png import MARK
from pipeline.report.evaluated_model import read_evaluated_model
from pipeline.report.plots.evaluation import evaluate_test
from pipeline.steps import best_model, run_best_model
from pipeline.steps.best_model import find_published, publish_best_model, registered_name
from pipeline.steps.mlflow_run import send_files
from pipeline.study.paths import StudyPaths
from pipeline.tracking import ModelDecision
from tests.export.tiny_model import write_tiny_model
from tests.fakes import Raise
from tests.report.made_up import record


class Tracker:
    """Keeps what a study's run is given."""

    def __init__(self):
        self.paths = []

    def log_artifact(self, path, folder=""):
        self.paths.append((folder, path.name))

    def remove_artifacts(self, folder, names):
        self.removed = {f"{folder}/{name}" for name in names}

    def rank(self, *args):
        """Of no interest here."""

    def register_best(self, *args, **details):
        return ModelDecision(1, True, "first")


@pytest.fixture(scope="module")
def data():
    return load("digits", fetch=lambda name, folder: None)


def model_file(place):
    path = StudyPaths(place / "s").model(1)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


BEST = record(1, 0.5, model="where it was written")


@pytest.fixture
def best(tmp_path, data):
    write_tiny_model(model_file(tmp_path), classes=data.classes)
    return BEST


@pytest.fixture(autouse=True)
def no_mlflow(monkeypatch):
    monkeypatch.setattr(best_model, "register_model", lambda *args: ModelDecision(1, True, "first"))


def publish(paths, best, data):
    return publish_best_model(InlineExecutor(), Tracker(), paths, best, data, "convtune-digits", quiet=True)


@pytest.fixture(scope="module")
def published(tmp_path_factory, data):
    """The folder of a study whose best model is published, and what was noted of it: made once, since it takes 1 s."""
    place = tmp_path_factory.mktemp("published")
    write_tiny_model(model_file(place), classes=data.classes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(best_model, "register_model", lambda *args: ModelDecision(1, True, "first"))
        return place / "s", publish(StudyPaths(place / "s"), BEST, data)


@pytest.fixture
def paths(tmp_path, published):
    """A copy of that study."""
    return StudyPaths(shutil.copytree(published[0], tmp_path / "s"))


def test_what_the_best_model_sees_is_drawn_and_goes_into_mlflow(tmp_path, best, data, capsys):
    paths, tracker = StudyPaths(tmp_path / "s"), Tracker()
    assert publish(paths, best, data).trial == 1
    plots = {path.name for path in paths.explanation.iterdir()}
    assert {"index.html", "filters.png"} < plots
    assert sum(name.endswith("-maps.png") for name in plots) >= 3
    assert "Wrong: predicted" in (paths.explanation / "index.html").read_text()
    send_files(tracker, paths, [best])
    assert {name for place, name in tracker.paths if place == "explain/trial-1"} == plots
    assert capsys.readouterr().err == ""


def test_a_fault_in_the_plots_costs_a_warning(tmp_path, best, data, capsys, monkeypatch):
    monkeypatch.setattr(run_best_model, "write_explanation", lambda *args: 1 / 0)
    paths = StudyPaths(tmp_path / "s")
    assert publish(paths, best, data).test_scores["accuracy"] > 0
    warning = "warning: no plots of what the best model sees: ZeroDivisionError: division by zero\n"
    assert capsys.readouterr().err == warning
    assert not paths.explanation.exists()


def test_a_fault_of_the_model_is_told_in_its_own_words(tmp_path, best, data, capsys, monkeypatch):
    monkeypatch.setattr(
        run_best_model, "write_explanation", raising(ModelError("m.keras: expected a network with convolutions"))
    )
    publish(StudyPaths(tmp_path / "s"), best, data)
    warning = "warning: no plots of what the best model sees: m.keras: expected a network with convolutions\n"
    assert capsys.readouterr().err == warning


def test_a_study_killed_before_all_is_noted_draws_again(tmp_path, best, data, monkeypatch):
    paths = StudyPaths(tmp_path / "s")
    monkeypatch.setattr(run_best_model, "write_explanation", raising(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        publish(paths, best, data)
    assert find_published(paths, best, "convtune-digits") is None


def test_plots_of_an_earlier_best_go_even_if_the_new_one_cannot_be_run(tmp_path, best, data, monkeypatch):
    paths = StudyPaths(tmp_path / "s")
    paths.explanation.mkdir(parents=True)
    earlier, theirs = paths.explanation / "earlier.html", paths.explanation / "notes.txt"
    earlier.write_text(f"<!-- {MARK} -->")
    theirs.write_text("the dog is a wolf")
    paths.plots.mkdir()
    (paths.plots / "wrong.png").touch()
    monkeypatch.setattr(run_best_model, "PredictDataset", lambda *args, number: Raise(number, WorkerError("died")))
    with pytest.raises(WorkerError):
        publish(paths, best, data)
    assert (earlier.exists(), theirs.exists()) == (False, True)
    assert not (paths.plots / "wrong.png").exists()


def test_a_better_model_without_mistakes_leaves_no_wrong_images(paths, data):
    tracker = Tracker()
    send_files(tracker, paths, [BEST])
    assert "plots/wrong.png" not in tracker.removed
    evaluate_test(paths, data, np.eye(10, dtype=np.float32)[data.labels[data.test]])
    send_files(tracker, paths, [BEST])
    assert not (paths.plots / "wrong.png").exists()
    assert "plots/wrong.png" in tracker.removed


def prepared(tracker, paths):
    """As much of a prepared study as recording it takes."""
    return SimpleNamespace(tracker=tracker, study=SimpleNamespace(paths=paths))


def raising(error):
    def function(*args):
        raise error

    return function


def test_a_model_is_presented_once_and_again_when_its_trial_was_repeated(tmp_path, published, paths, data):
    model = published[1]
    assert model.caveat == ""
    again = find_published(paths, BEST, "convtune-digits")
    assert again == replace(model, registry_note="convtune-digits, already registered as version 1")
    assert find_published(paths, BEST, "another-name") is None
    write_tiny_model(model_file(tmp_path), classes=data.classes, weights=2)
    assert find_published(paths, BEST, "convtune-digits") is None


def test_a_report_can_be_made_without_the_model_and_the_images(paths, data):
    model = read_evaluated_model(paths)
    assert (model.model.trial, model.n, model.validation) == (1, len(data.test), len(data.validation))
    assert model.data == f"{data.name}: {data.describe()}"
    mistakes = model.n - model.confusion.trace()
    assert len(model.wrong) == min(mistakes, 24) > 0
    names = {data.image_name(row): data.classes[data.labels[row]] for row in data.test}
    assert all(names[image.file] == image.true != image.predicted for image in model.wrong)
    chances = [image.probability for image in model.wrong]
    assert chances == sorted(chances, reverse=True)
    assert (paths.plots / "wrong.png").is_file()
    assert (model.model.registered_as, model.model.version) == ("convtune-digits", 1)


def test_a_model_that_was_trained_for_less_says_so(tmp_path, best, data):
    cut_off = replace(best, result=replace(best.result, epochs=2, reason="time was up after epoch 2"))
    model = publish(StudyPaths(tmp_path / "s"), cut_off, data)
    assert model.caveat == "trained for 2 of 3 epochs (time was up after epoch 2)"


def test_two_folders_of_one_name_do_not_share_a_model(data, tmp_path):
    names = [
        registered_name("", replace(data, name="train: a", source=str(tmp_path / place / "train: a")))
        for place in ("one", "two", "one/../two")
    ]
    assert names[0] != names[1] == names[2]
    assert re.fullmatch(r"convtune-train- a-[0-9a-f]{6}", names[0])
    assert registered_name("", data) == "convtune-digits"
    assert registered_name("pets", data) == "pets"


def test_a_best_model_that_is_gone_is_one_line_and_spares_the_one_before(tmp_path, paths, data):
    model_file(tmp_path).unlink()
    assert find_published(paths, BEST, "convtune-digits").trial == 1  # what was presented is still there
    with pytest.raises(StudyError, match=r"trials/0001/model\.keras: gone, though trial 1 is the best"):
        publish(paths, BEST, data)
    assert paths.best_model.is_file()
    assert paths.explanation.is_dir()
    paths.best_model.unlink()
    assert find_published(paths, BEST, "convtune-digits") is None
