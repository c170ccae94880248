"""What follows the last trial."""

from dataclasses import replace

import pytest

from pipeline.data import load
from pipeline.errors import ModelError, StudyError, WorkerError
from pipeline.executors import Inline
from pipeline.folder import StudyFolder
from pipeline.record import Record
from pipeline.tracking import ModelDecision
from pipeline.trial import Outcome, State
from pipeline.tune import finish
from tests.export.tiny_model import write_tiny_model


class Tracker:
    """Keeps what a study's run is given."""

    def __init__(self):
        self.paths = []

    def artifact(self, path, folder=""):
        self.paths.append((folder, path.name))

    def rank(self, *args):
        """Of no interest here."""

    def register_best(self, *args, **details):
        return ModelDecision(1, True, "first")


@pytest.fixture(scope="module")
def data():
    return load("digits", fetch=lambda name, folder: None)


def model_file(place):
    path = StudyFolder(place / "s").model(1)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


@pytest.fixture
def best(tmp_path, data):
    write_tiny_model(model_file(tmp_path), classes=data.classes)
    outcome = Outcome(1, State.COMPLETE, 0.5, 1, model="where it was written")
    return Record(1, {}, (), {"parameters": 1, "macs": 1}, 0, outcome)


@pytest.fixture(autouse=True)
def no_mlflow(monkeypatch):
    monkeypatch.setattr(finish, "_register", lambda *args: ModelDecision(1, True, "first"))


def present(folder, best, data):
    return finish.present(Inline(), Tracker(), folder, best, data)


def test_what_the_best_model_sees_is_drawn_and_goes_into_mlflow(tmp_path, best, data, capsys):
    folder, tracker = StudyFolder(tmp_path / "s"), Tracker()
    assert present(folder, best, data).trial == 1
    pictures = {path.name for path in folder.look.iterdir()}
    assert {"index.html", "filters.png"} < pictures
    assert sum(name.endswith("-maps.png") for name in pictures) >= 3
    assert "Wrong: taken for" in (folder.look / "index.html").read_text()
    finish.record_study(tracker, folder, [best])
    assert {name for place, name in tracker.paths if place == "look/trial-1"} == pictures
    assert capsys.readouterr().err == ""


def test_a_fault_in_the_pictures_costs_a_warning(tmp_path, best, data, capsys, monkeypatch):
    monkeypatch.setattr(finish, "write_look", lambda *args: 1 / 0)
    folder = StudyFolder(tmp_path / "s")
    assert present(folder, best, data).accuracy > 0
    warning = "warning: no pictures of what the best model sees: ZeroDivisionError: division by zero\n"
    assert capsys.readouterr().err == warning
    assert not folder.look.exists()


def test_a_fault_of_the_model_is_told_in_its_own_words(tmp_path, best, data, capsys, monkeypatch):
    monkeypatch.setattr(finish, "write_look", raising(ModelError("m.keras: expected a network with convolutions")))
    present(StudyFolder(tmp_path / "s"), best, data)
    warning = "warning: no pictures of what the best model sees: m.keras: expected a network with convolutions\n"
    assert capsys.readouterr().err == warning


def test_a_study_killed_before_all_is_noted_draws_again(tmp_path, best, data, monkeypatch):
    folder = StudyFolder(tmp_path / "s")
    monkeypatch.setattr(finish, "write_look", raising(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        present(folder, best, data)
    assert finish.known(folder, best) is None


def test_pictures_of_an_earlier_best_go_even_if_the_new_one_cannot_be_run(tmp_path, best, data, monkeypatch):
    folder = StudyFolder(tmp_path / "s")
    folder.look.mkdir(parents=True)
    monkeypatch.setattr(finish, "call", raising(WorkerError("died")))
    with pytest.raises(WorkerError):
        finish.present(Inline(), Tracker(), folder, best, data)
    assert not folder.look.exists()


def raising(error):
    def function(*args):
        raise error

    return function


def test_a_winner_is_presented_once_and_again_when_its_trial_was_repeated(tmp_path, best, data):
    folder = StudyFolder(tmp_path / "s")
    winner = present(folder, best, data)
    again = finish.known(folder, best)
    assert again == replace(winner, registry="version 1 since it was found")
    write_tiny_model(model_file(tmp_path), classes=data.classes, weights=2)
    assert finish.known(folder, best) is None


def test_a_best_model_that_is_gone_is_one_line_and_spares_the_one_before(tmp_path, best, data):
    folder = StudyFolder(tmp_path / "s")
    present(folder, best, data)
    model_file(tmp_path).unlink()
    assert finish.known(folder, best).trial == 1  # what was presented is still there
    with pytest.raises(StudyError, match=r"trials/0001/model\.keras: gone, though trial 1 is the best"):
        present(folder, best, data)
    assert folder.best_model.is_file()
    assert folder.look.is_dir()
    folder.best_model.unlink()
    assert finish.known(folder, best) is None
