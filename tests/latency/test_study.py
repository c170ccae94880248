import json

import pytest

from pipeline.errors import StudyError, WorkerError
from pipeline.executors import InlineExecutor
from pipeline.files import write_text
from pipeline.latency.model import FEATURES, LatencyModel
from pipeline.latency.study import load_or_calibrate, save_latency_model
from pipeline.study.paths import locate

MODEL = LatencyModel(dict.fromkeys(FEATURES, 0.25), "cpu", "tensorflow")


@pytest.fixture(autouse=True)
def calls(tmp_path, monkeypatch):
    """The calibrations that ran."""
    tasks = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("pipeline.latency.study.check_backend", lambda executor: None)
    monkeypatch.setattr("pipeline.latency.study.call", lambda executor, task, progress: tasks.append(task) or MODEL)
    return tasks


def ask():
    return load_or_calibrate(locate("mine"), InlineExecutor(), quiet=True)


def begin(text):
    paths = locate("mine")
    write_text(paths.job, "")
    if text is not None:
        write_text(paths.latency, text)


def test_one_calibration_in_the_life_of_a_study(calls):
    model = ask()
    assert model == MODEL
    assert not locate("mine").path.exists(), "a study that is refused later must leave nothing"
    save_latency_model(locate("mine"), model)
    begin(None)
    assert ask() == MODEL
    assert len(calls) == 1


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", json.dumps(MODEL.as_dict() | {"weights": {"layers": 1}})])
def test_a_study_whose_model_is_damaged_does_not_go_on(calls, text):
    begin(text)
    with pytest.raises(StudyError, match=r"latency\.json: unreadable"):
        ask()
    assert not calls


def test_a_study_that_was_begun_without_latencies_is_another_study(calls):
    begin(None)
    with pytest.raises(StudyError, match="study mine was begun without"):
        ask()
    assert not calls


def test_a_calibration_that_fails_is_one_line(monkeypatch):
    def fail(executor, task, progress):
        raise WorkerError("worker died: exit code 1")

    monkeypatch.setattr("pipeline.latency.study.call", fail)
    with pytest.raises(WorkerError, match=r"calibration failed \(worker died: exit code 1\)") as error:
        ask()
    assert "\n" not in str(error.value)
