"""What a study's files do where their disk has no room."""

import csv
import os

import pytest

from pipeline.errors import MachineError
from pipeline.steps.study_files import StudyFiles
from pipeline.study.paths import StudyPaths
from pipeline.study.trial import EpochReport, TrialResult, TrialState
from tests.search_helpers import begin, open_storage
from tests.spaces import CONTINUOUS, space


@pytest.fixture
def paths(tmp_path):
    return StudyPaths(tmp_path)


@pytest.fixture
def storage(paths):
    return open_storage(paths.path, space(paths.path, CONTINUOUS))


def end_one(storage, paths, files):
    trial, _ = begin(storage, space(paths.path, CONTINUOUS))
    files.trial_ended(storage.tell(TrialResult(trial.number, TrialState.COMPLETE, 0.5, 1)))


def test_a_history_that_finds_no_room_is_a_fault_of_the_machine(paths, storage, monkeypatch):
    files = StudyFiles(paths, storage, 5)
    begin(storage, space(paths.path, CONTINUOUS))
    [running] = storage.running
    full = paths.path / "full"
    os.symlink("/dev/full", full)
    monkeypatch.setattr(StudyPaths, "history", lambda self, number: full)
    with pytest.raises(MachineError, match=r"^machine fault: full: No space left on device$"):
        files.epoch_ended(running, EpochReport(0, 2, {"val_accuracy": 0.5}, 1.0))


def test_a_table_that_finds_no_room_is_written_later_and_whole(paths, storage, monkeypatch, capsys):
    files = StudyFiles(paths, storage, 5)
    end_one(storage, paths, files)
    with monkeypatch.context() as full:
        full.setattr("pipeline.report.trials_file.TrialsFile.update", no_room)
        end_one(storage, paths, files)
        files.finish()
    assert f"{paths.table}: No space left on device; the last trials are missing there" in capsys.readouterr().err
    assert len(rows(paths)) == 1
    files.finish()
    assert [row["trial"] for row in rows(paths)] == ["0", "1"]
    end_one(storage, paths, files)
    files.finish()
    assert len(rows(paths)) == 3
    assert capsys.readouterr().err == ""


def no_room(*_):
    raise OSError(28, "No space left on device")


def rows(paths):
    return list(csv.DictReader(paths.table.open()))
