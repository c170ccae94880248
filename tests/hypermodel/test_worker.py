"""The tasks run in this process, since starting a worker takes seconds; but where a worker must be replaced."""

import os
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.errors import SpaceError, WorkerError
from pipeline.executors import InlineExecutor, LocalExecutor
from pipeline.executors.task import TaskResult
from pipeline.hypermodel import HyperModelWorker, parse_source
from pipeline.hypermodel.source import BuiltModel, Survey
from pipeline.hypermodel.task import SurveyHyperModel
from pipeline.space import complete
from pipeline.study.trial import BatchReport
from tests.hypermodel.tiny_data import tiny_data

HYPERMODELS = """
import keras, keras_tuner
from keras import layers

number = 3

def compiled(hp, *inner, classes=3, shape=(6, 6, 1), **settings):
    hp.Choice("a", [1, 2])
    net = keras.Sequential([keras.Input(shape), *inner, layers.Flatten(), layers.Dense(classes, **settings)])
    net.compile(loss="categorical_crossentropy")
    return net

def nothing(hp): hp.Int("a", 1, 2)
def raises(hp): raise ValueError("not\\nthis")
def wide(hp): return compiled(hp, classes=4)
def flat(hp): return compiled(hp, shape=(36,))
def larger(hp): return compiled(hp, shape=(9, 8, 1))
def lambdas(hp): return compiled(hp, layers.Lambda(lambda x: x))
def function(hp): return compiled(hp, activation=mine)
def mine(x): return 3 * x

def constant(hp):
    return compiled(keras_tuner.HyperParameters())

def uncompiled(hp):
    hp.Int("a", 1, 2)
    return keras.Sequential([keras.Input((6, 6, 1)), layers.Flatten(), layers.Dense(3)])

def two(hp):
    hp.Int("a", 1, 2)
    images = [keras.Input((6, 6, 1)), keras.Input((6, 6, 1))]
    net = keras.Model(images, layers.Dense(3)(layers.Flatten()(layers.add(images))))
    net.compile(loss="mse")
    return net

class Needs(keras_tuner.HyperModel):
    def __init__(self, depth): pass

class Loop(keras_tuner.HyperModel):
    def build(self, hp): return compiled(hp)
    def fit(self, hp, model, *args, **kwargs): return 0.5

class Batches(Loop):
    def fit(self, hp, model, x, y, **kwargs): return model.train_on_batch(x, y)

class Another(Loop):
    def fit(self, hp, model, x, y, **kwargs): return keras.models.clone_model(model).fit(x, y, **kwargs)

class Scales(Loop):
    def fit(self, hp, model, x, y, **kwargs): return model.fit(x / 255, y, **kwargs)

class Wrong(Loop):
    def fit(self, hp, model, x, y, **kwargs): return model.fit(x, y[:, 7], **kwargs)

def one(hp): return compiled(hp, classes=1)
def unclear(hp): return compiled(hp, layers.Rescaling(0.1))

def ends(hp):
    if hp.Choice("a", [1, 2]) == 2:
        raise SystemExit(2)
    return compiled(hp)

def scaled(hp): return compiled(hp, layers.PReLU())
def mixed(hp): return compiled(hp, layers.Reshape((36, 1)), layers.Conv1D(2, 3))

def sometimes(hp):
    width = hp.Int("width", 8, 16, step=8)
    if hp.Choice("kind", ["good", "bad"]) == "bad":
        raise ValueError("it is bad")
    hp.Float("unused", 0.0, 1.0)
    return compiled(hp, layers.Conv2D(width, 3))
"""

REFUSED = {
    "absent": "there is no 'absent'",
    "number": "is an object of type int; expected",
    "nothing": "returns nothing; expected a compiled keras.Model",
    "raises": "build raised ValueError: not",
    "constant": "has no hyperparameters",
    "uncompiled": "is not compiled",
    "wide": "has shape 4; expected one value for each of the data's 3 classes",
    "flat": "takes inputs of shape 36 and the images are 6x6x1",
    "larger": "give --image-size 9x8",
    "lambdas": "a lambda is not Keras's own",
    "function": "the function mine is not Keras's own",
    "two": "has 2 inputs and 1 outputs",
    "Needs": "cannot be created without depth",
    "Loop": "does not call model.fit",
    "Batches": "its fit() trains by train_on_batch()",
    "Another": "its fit() trains another model than the one that it is given",
    "Scales": "preprocess them in build, by a layer",
    "Wrong": "its fit(), tried on a few images of each class, raised IndexError",
    "one": "has shape 1; expected one value for each of the data's 3 classes",
    "unclear": "give --pixels 0..1 or --pixels 0..255",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    package = folder / "package"
    package.mkdir()
    (folder / "hypermodels.py").write_text(HYPERMODELS)
    (package / "__init__.py").write_text("def raises(hp):\n    raise ValueError('not')\n")
    for path in (folder, package):
        (path / "broken.py").write_text("import keras\nraise SystemExit(2)\n")
    return folder


@pytest.fixture
def open_hypermodel(folder, monkeypatch):
    """Opens a HyperModel of the folder; returns its worker and its space."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr("pipeline.hypermodel.worker.start_worker", lambda log, **environment: InlineExecutor())

    def open_and_read(name, file="hypermodels.py"):
        worker = HyperModelWorker(parse_source(f"{file}:{name}"), None)
        worker.inspect()
        return worker, worker.read_space(tiny_data((6, 6, 1), 3))

    return open_and_read


def test_what_cannot_be_searched_is_refused_in_one_line(open_hypermodel):
    for name, reason in REFUSED.items():
        with pytest.raises(SpaceError, match=r"hypermodels\.py:") as refused:
            open_hypermodel(name)
        assert reason in str(refused.value)
        assert "\n" not in str(refused.value)
    for module in ("broken.py", "package.broken"):
        with pytest.raises(SpaceError, match=r"importing it raised SystemExit: 2 \(line 2\)"):
            open_hypermodel("x", module)
    with pytest.raises(SpaceError, match=r"build raised ValueError: not \(line 2\)"):
        open_hypermodel("raises", "package")


def test_params_are_judged_by_building_their_model(open_hypermodel, capfd):
    worker, space = open_hypermodel("sometimes")
    assert set(space.start_from["default"]) == {"width", "kind", "unused", "a"}
    good = worker.judge({}, (), complete(space, {"width": 8}))
    assert good.candidate.costs == {"parameters": 8 * 9 + 8 + 8 * 16 * 3 + 3, "macs": 16 * 8 * 9 + 8 * 16 * 3}
    assert worker.judge({}, (), complete(space, {"width": 8, "unused": 0.5})).candidate.key == good.candidate.key
    other = worker.judge({}, (), complete(space, {"width": 16, "unused": 0.75}))  # not among those built at first
    assert other.candidate.key != good.candidate.key
    bad = worker.judge({"parameters": 1000}, (), complete(space, {"kind": "bad"}))
    assert (bad.candidate, bad.kind) == (None, "build raised ValueError")
    assert "it is bad" in bad.reason
    assert "ValueError: it is bad" in capfd.readouterr().err  # the log of a worker
    assert list(bad.violations) == list(worker.judge({"parameters": 1000}, (), complete(space, {})).violations)


def test_a_new_process_imports_the_hypermodel_and_builds_its_default_model_before_it_builds_others(
    open_hypermodel, monkeypatch
):
    from pipeline.hypermodel import loader, probe  # here, since workers import this file, without Keras

    worker, space = open_hypermodel("sometimes")
    loader._loaded.clear()
    built = []

    def build_model(source, hp):
        built.append(dict(hp.values))
        return loader.build_model(source, hp)

    monkeypatch.setattr(probe, "build_model", build_model)
    for unused in (0.5, 0.75):
        assert worker.judge({}, (), complete(space, {"unused": unused})).candidate is not None
    assert [values.get("unused") for values in built] == [None, 0.5, 0.75]


def test_limits_hold_before_training_and_the_dead_do_not_end_the_study(open_hypermodel, monkeypatch):
    worker, space = open_hypermodel("sometimes")
    over = worker.judge({"parameters": 500}, (), complete(space, {"width": 16}))
    assert over.kind == "parameters over the limit"

    def dies(*arguments, **more):
        raise WorkerError("worker died: signal 9")

    monkeypatch.setattr("pipeline.hypermodel.worker.call", dies)
    assert "worker died" in worker.judge({}, (), complete(space, {"unused": 0.25})).reason
    with pytest.raises(SpaceError, match=r"hypermodels\.py:sometimes: worker died: signal 9"):
        worker.inspect()
    with pytest.raises(SpaceError, match=r"hypermodels\.py:sometimes: worker died: signal 9"):
        worker.read_space(tiny_data((6, 6, 1), 3))


def test_a_build_that_wants_to_end_the_process_is_judged_as_one_that_raises(open_hypermodel):
    worker, space = open_hypermodel("ends")
    assert worker.judge({}, (), complete(space, {"a": 2})).reason.startswith("build raised SystemExit: 2 (line ")


def test_multiply_accumulates_that_cannot_be_counted_are_infeasible_only_where_they_are_needed(open_hypermodel):
    worker, space = open_hypermodel("scaled")
    assert worker.judge({"macs": 1e9}, (), complete(space, {})).candidate.costs["macs"] == 36 * 3
    worker, space = open_hypermodel("mixed")
    assert worker.judge({}, (), complete(space, {})).candidate is not None
    for limits, needed in (({"macs": 1e9}, ()), ({}, ("macs",))):
        feasibility = worker.judge(limits, needed, complete(space, {}))
        assert (feasibility.candidate, feasibility.kind) == (None, "macs not countable")


@dataclass(frozen=True)
class BuildOnce:
    """In the place of building: ends as soon as the file is there that the params name."""

    source: Any
    dataset: Any
    params: Mapping[str, str]
    number: int = -1

    def run(self, report):
        while not Path(self.params["file"]).exists():
            time.sleep(0.01)
        return BuiltModel("a key", 1, 1)


@dataclass(frozen=True)
class SurveyOfNothing:
    """In the place of the survey."""

    source: Any
    dataset: Any
    number: int = -1

    def run(self, report):
        return Survey(())


@dataclass(frozen=True)
class PrepareSlowly:
    """In the place of importing the HyperModel: makes the file that the environment names."""

    source: Any
    number: int = -1

    def run(self, report):
        time.sleep(0.3)
        Path(os.environ["PREPARED"]).touch()


class Clock:
    """In the place of ``time``, so that no test depends on the machine's speed: each look at it takes ``look()`` s."""

    def __init__(self):
        self.now, self.look = 0.0, lambda: 0.0

    def monotonic(self):
        self.now += self.look()
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr("pipeline.hypermodel.worker.time", clock)
    monkeypatch.setattr("pipeline.hypermodel.worker.BuildModel", BuildOnce)
    monkeypatch.setattr("pipeline.hypermodel.worker.PrepareHyperModel", PrepareSlowly)
    monkeypatch.setattr("pipeline.hypermodel.worker.SurveyHyperModel", SurveyOfNothing)
    monkeypatch.setattr("pipeline.hypermodel.worker.describe_survey", lambda source, survey: ([], []))
    return clock


def worker_on(executor, monkeypatch):
    """A worker whose models may each take 30 s; its HyperModel is never imported."""
    monkeypatch.setattr("pipeline.hypermodel.worker.start_worker", lambda log, **environment: executor)
    worker = HyperModelWorker(parse_source("models:build"), None, timeout=30)
    worker.read_space(SimpleNamespace(shape=(6, 6, 1), classes=("a", "b")))
    return worker


def test_a_build_that_takes_longer_than_a_trial_may_is_infeasible_and_costs_its_worker(monkeypatch, clock, tmp_path):
    """Preparing a new worker takes none of that time, nor does what the study does meanwhile."""
    prepared, built, turns = tmp_path / "prepared", tmp_path / "built", []

    def work():
        clock.now += 1000
        turns.append(prepared.exists())
        assert len(turns) < 600, "a minute"
        if sum(turns) == 5:  # the first may come before the build
            built.touch()

    with closing(LocalExecutor([{"PREPARED": str(prepared)}])) as executor:
        worker = worker_on(executor, monkeypatch)
        [first] = executor.pids
        worker.while_judging(work)
        assert worker.judge({}, (), {"file": str(built)}).candidate is not None

        worker.while_judging(lambda: None)
        clock.look = lambda: 10.0
        late = worker.judge({}, (), {"file": "never there"})
        assert (late.candidate, late.kind) == (None, "building it took too long")
        assert late.reason == "building it took longer than --trial-timeout 30s"
        assert first not in executor.pids

        prepared.unlink()
        clock.look = lambda: 0.0 if prepared.exists() else 1000.0
        assert worker.judge({}, (), {"file": str(built), "again": 1}).candidate is not None


class Surveying:
    """In the place of a worker: its survey begins a model every 20 s, ``models`` times; a stuck one ends no more."""

    def __init__(self, clock, models, stuck=False):
        self.clock, self.models, self.stuck, self.dropped = clock, models, stuck, []

    def submit(self, task):
        pass

    def wait(self, report, timeout=None):
        self.clock.now += 20
        if self.models:
            self.models -= 1
            report(BatchReport(-1, 0, 1))
        elif not self.stuck:
            return [TaskResult(-1, Survey(()))]
        return []

    def drop(self, number):
        self.dropped.append(number)


def test_each_model_that_is_built_to_read_the_space_may_take_as_long_as_a_trial(monkeypatch, clock):
    worker_on(Surveying(clock, models=4), monkeypatch)
    stuck = Surveying(clock, models=4, stuck=True)
    with pytest.raises(SpaceError, match=r"^models:build: building a model to find .* took longer than .* 30s; set a"):
        worker_on(stuck, monkeypatch)
    assert stuck.dropped == [-1]


def test_a_survey_reports_each_model_as_it_begins(open_hypermodel):
    worker, _ = open_hypermodel("sometimes")
    reports = []
    found = SurveyHyperModel(worker._source, tiny_data((6, 6, 1), 3)).run(reports.append)
    assert set(reports) == {BatchReport(-1, 0, 1)}
    assert len(reports) > len(found.built) >= 3, "those that fail too"


def test_a_build_that_is_done_as_its_time_is_up_counts(monkeypatch, clock, tmp_path):
    monkeypatch.setenv("PREPARED", str(tmp_path / "prepared"))
    worker = worker_on(InlineExecutor(), monkeypatch)
    clock.look = lambda: 1000.0
    assert worker.judge({}, (), {"file": str(tmp_path)}).candidate is not None
