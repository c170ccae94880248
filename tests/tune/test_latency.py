import json
from types import SimpleNamespace

import pytest

from pipeline.architecture.latency import FEATURES, LatencyModel
from pipeline.errors import StudyError, WorkerError
from pipeline.executors import Inline
from pipeline.folder import locate, write
from pipeline.job import Job
from pipeline.tune import latency
from pipeline.tune.latency import keep, latency_model

MODEL = LatencyModel(dict.fromkeys(FEATURES, 0.25), "cpu", "tensorflow")
LIMITED, FREE = SimpleNamespace(limits={"latency_ms": 5}), SimpleNamespace(limits={"macs": 5})


@pytest.fixture(autouse=True)
def calls(tmp_path, monkeypatch):
    """How often a calibration ran."""
    counted = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(latency, "check", lambda executor: None)
    monkeypatch.setattr(latency, "call", lambda executor, function: counted.append(function) or MODEL)
    return counted


def ask(space=LIMITED, **job):
    return latency_model(space, Job("digits", **job), locate("mine"), Inline(), quiet=True)


def begin(text):
    folder = locate("mine")
    write(folder.job, "")
    if text is not None:
        write(folder.latency, text)


def test_nothing_is_measured_where_nothing_asks_for_it(calls):
    assert ask(FREE) is None
    keep(locate("mine"), None)
    assert not calls
    assert not locate("mine").latency.exists()


@pytest.mark.parametrize(("space", "objective"), [(LIMITED, ("accuracy",)), (FREE, ("accuracy", "latency"))])
def test_a_limit_or_an_objective_asks_for_one_calibration_in_the_life_of_a_study(calls, space, objective):
    found = ask(space, objective=objective)
    assert found == MODEL
    assert not locate("mine").path.exists(), "what is refused later must leave nothing"
    keep(locate("mine"), found)
    begin(None)
    assert ask(space, objective=objective) == MODEL
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
    def fail(executor, function):
        raise WorkerError("worker died: exit code 1")

    monkeypatch.setattr(latency, "call", fail)
    with pytest.raises(WorkerError, match=r"calibration failed \(worker died: exit code 1\)") as error:
        ask()
    assert "\n" not in str(error.value)
