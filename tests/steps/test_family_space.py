"""The space of a file as what a study searches: its judge, and its latency model where one is needed."""

import pytest

from pipeline.data import load
from pipeline.executors import InlineExecutor
from pipeline.job.request import read_job
from pipeline.latency.model import FEATURES, LatencyModel
from pipeline.steps.family_space import FamilySpace
from pipeline.study.paths import locate

MODEL = LatencyModel(dict.fromkeys(FEATURES, 0.0) | {"calls": 3.0}, "cpu", "tensorflow")


@pytest.fixture
def calibrations(tmp_path, monkeypatch):
    """The studies that asked for a latency model."""
    asked = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        "pipeline.steps.family_space.load_or_calibrate",
        lambda paths, executor, quiet: asked.append(paths) or MODEL,
    )
    return asked


def searched(**flags):
    """What a study of the quick space on the digits searches, and the dataset."""
    dataset = load("digits", seed=0, fetch=lambda name, folder: None)
    request = read_job(None, {"data": "digits", "study": "mine"} | flags)
    return FamilySpace(request, locate("mine")).searched_space(request.job, dataset, InlineExecutor(), quiet=True)


def params_of(space):
    return dict(next(iter(space.start_from.values())))


@pytest.mark.parametrize("flags", [{}, {"limit": [{"macs": 10**9}]}, {"objective": ("score", "macs")}], ids=str)
def test_no_latency_is_measured_where_nothing_asks_for_it(calibrations, flags):
    found = searched(**flags)
    assert found.latency is None
    assert not calibrations
    assert "latency_ms" not in found.judge(params_of(found.space)).candidate.costs


@pytest.mark.parametrize(
    "flags", [{"limit": [{"latency_ms": 5}]}, {"objective": ("score", "latency")}], ids=["limit", "objective"]
)
def test_a_limit_or_an_objective_of_latency_asks_for_its_model(calibrations, flags):
    found = searched(**flags)
    assert found.latency == MODEL
    assert calibrations == [locate("mine")]
    assert found.judge(params_of(found.space)).candidate.costs["latency_ms"] == 3.0


def test_the_judge_keeps_the_limits_of_the_job(calibrations):
    found = searched(limit=[{"latency_ms": 2}])
    assert found.judge(params_of(found.space)).kind == "latency_ms over the limit"
