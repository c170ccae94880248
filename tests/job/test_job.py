import math
from dataclasses import replace

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import JobError
from pipeline.executors import EXECUTORS
from pipeline.job import SETTINGS, Job
from pipeline.job.job import PIXELS, PRECISIONS
from pipeline.metrics import METRICS
from pipeline.recipe import CLASS_WEIGHTS
from pipeline.schema import job_schema
from pipeline.search.pruners import PRUNERS
from pipeline.search.samplers import SAMPLERS
from pipeline.study.objective import MINIMIZED, OBJECTIVES, Objective

NAMES = st.text("abcxyz_123", min_size=1).map("n{}".format)
SCALARS = st.one_of(st.booleans(), st.integers(-9, 9), st.floats(0.001, 1e6).map(lambda number: float(f"{number:g}")))
PARAMS = st.dictionaries(NAMES, SCALARS, min_size=1, max_size=3)
ASSIGNMENTS = st.dictionaries(NAMES, SCALARS, max_size=3).map(lambda params: tuple(sorted(params.items())))
COSTS = st.sets(st.sampled_from(sorted(MINIMIZED)))
JOBS = st.builds(
    Job,
    data=NAMES,
    space=NAMES,
    search=st.sampled_from(sorted(SAMPLERS)),
    metric=st.sampled_from(sorted(METRICS)),
    objective=COSTS.map(lambda costs: tuple(name for name in OBJECTIVES if name == "score" or name in costs)),
    trials=st.none() | st.integers(1, 10**9),
    time=st.none() | st.integers(1, 10**9).map(lambda hundredths: hundredths / 100),
    stop_at=st.none() | st.floats(0, 1),
    patience=st.none() | st.integers(1, 10**9),
    epochs=st.integers(1, 10**9),
    pruner=st.sampled_from(sorted(PRUNERS)),
    study=st.just("") | NAMES,
    keep_models=st.just("all") | st.integers(1, 10**9),
    register=st.just("") | NAMES,
    seed=st.integers(0, 2**32 - 1),
    attempts=st.lists(PARAMS | NAMES, max_size=3).map(tuple),
    fixed=ASSIGNMENTS,
    limits=ASSIGNMENTS,
    image_size=st.none() | st.tuples(st.integers(1, 4096), st.integers(1, 4096)),
    class_weight=st.sampled_from([None, *CLASS_WEIGHTS]),
    pixels=st.sampled_from(PIXELS),
    precision=st.sampled_from(PRECISIONS),
    executor=st.sampled_from(sorted(EXECUTORS)),
)
JOBS |= st.builds(
    replace,
    JOBS,
    executor=st.just("local"),
    trial_timeout=st.integers(1, 10**9).map(lambda hundredths: hundredths / 100),
)


def read(content):
    """The job of the content of a job file."""
    return Job(**{SETTINGS[key].name: SETTINGS[key].read(value) for key, value in content.items()})


def test_every_key_is_read():
    content = {
        "data": "d",
        "space": "s.yaml",
        "search": "grid",
        "metric": "f1_macro",
        "objective": "macs,score",
        "trials": 3,
        "time": "1h30m",
        "trial_timeout": "2h",
        "stop_at": "0.75",
        "patience": 7,
        "epochs": 4,
        "workers": "1",
        "gpus": "all",
        "per_gpu": "auto",
        "pruner": "none",
        "study": "x",
        "keep_models": "all",
        "storage": "postgres://me:secret@host/trials",
        "register": "pets",
        "seed": 9,
        "try": [{"blocks": 2}, "a=1,b=[2, [3, 4]]", "resnet18", 1],
        "set": {"kernel": 3},
        "limit": {"macs": "none"},
        "image_size": "64x48",
        "class_weight": "balanced",
        "pixels": "0..1",
        "precision": "float32",
        "executor": "ray",
        "ray_address": "10.0.0.5:6379",
    }
    assert set(content) == set(SETTINGS)
    assert read(content) == Job(
        "d",
        space="s.yaml",
        search="grid",
        metric="f1_macro",
        objective=("score", "macs"),
        trials=3,
        time=5400,
        trial_timeout=7200,
        stop_at=0.75,
        patience=7,
        epochs=4,
        workers=1,
        per_gpu=0,
        pruner="none",
        study="x",
        keep_models="all",
        storage="postgresql://me@host/trials",
        register="pets",
        seed=9,
        attempts=({"blocks": 2}, {"a": 1, "b": [2, [3, 4]]}, "resnet18", "1"),
        fixed=(("kernel", 3),),
        limits=(("macs", "none"),),
        image_size=(64, 48),
        class_weight="balanced",
        pixels="0..1",
        precision="float32",
        executor="ray",
        ray_address="10.0.0.5:6379",
    )
    assert read({"data": "d", "executor": "inline"}).executor == "inline"


@given(JOBS)
def test_a_job_written_to_a_file_is_the_same_job_again(job):
    assert read(yaml.safe_load(yaml.safe_dump(job.as_file()))) == job


SCHEMA = jsonschema.Draft202012Validator(job_schema())


@given(JOBS)
def test_a_job_written_to_a_file_is_valid_for_an_editor(job):
    known = {key: value for key, value in job.as_file().items() if key not in ("try", "set", "limit")}
    SCHEMA.validate(known)


def test_several_assignments_are_one_and_the_later_one_wins():
    job = read({"data": "d", "set": ["b=x", "c=1e-4", {"b": 2}], "limit": "macs=5"})
    assert job.fixed == (("b", 2), ("c", 1e-4))
    assert job.limits == (("macs", 5),)


def test_what_has_no_value_is_not_written():
    assert Job("d").as_file() == {
        "data": "d",
        "space": "quick",
        "search": "bayesian",
        "metric": "accuracy",
        "objective": "score",
        "pruner": "asha",
        "keep_models": 5,
        "seed": 0,
        "pixels": "auto",
        "precision": "auto",
        "executor": "local",
    }


def test_only_a_number_of_trials_is_a_total():
    assert Job("d").total == Job("d", time=60.0).total == math.inf
    assert Job("d", search="grid", trials=7).total == 7


def test_the_objective_is_the_metric_and_the_costs_to_minimise():
    assert Job("d").study_objective == Objective(METRICS["accuracy"])
    job = Job("d", metric="log_loss", objective=("score", "latency"))
    assert job.study_objective == Objective(METRICS["log_loss"], ("latency_ms",))


def test_trials_side_by_side_need_worker_processes():
    assert Job("d", workers=2).workers == 2
    with pytest.raises(JobError, match="--workers: expected 1 with --executor inline, got 2; use --executor local"):
        Job("d", workers=2, executor="inline")


def test_only_a_worker_can_be_ended_when_its_trial_takes_too_long():
    expected = "--trial-timeout: expected an executor that can end a trial, got --executor inline; use --executor local"
    with pytest.raises(JobError, match=expected):
        Job("d", trial_timeout=60.0, executor="inline")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"gpus": ("0",), "executor": "inline"}, "--gpus: expected nothing with --executor inline"),
        ({"gpus": ("none",), "executor": "inline"}, "--gpus: expected nothing with --executor inline"),
        ({"per_gpu": 2, "executor": "inline"}, "--per-gpu: expected nothing with --executor inline"),
        ({"gpus": ("0",), "executor": "ray"}, "--gpus: expected none or nothing with --executor ray, whose nodes"),
        ({"ray_address": "auto"}, "--ray-address: expected nothing with --executor local; use --executor ray"),
        ({"per_gpu": 2, "gpus": ("none",)}, "--per-gpu: expected nothing with --gpus none, got 2"),
    ],
)
def test_settings_of_gpus_that_nothing_follows_from(settings, message):
    with pytest.raises(JobError, match=message):
        Job("d", **settings)


def test_what_the_machine_decides_is_not_written_and_replaces_what_was_kept():
    written = Job("d", workers=0, gpus=(), per_gpu=0).as_file()
    assert written == Job("d").as_file()
    assert Job("d", gpus=("1", "0"), per_gpu=3).as_file().items() >= {"gpus": "1,0", "per_gpu": 3}.items()
    assert SETTINGS["workers"].combine(SETTINGS["workers"].parse("auto")) is not None


@pytest.mark.parametrize(
    ("metric", "score", "message"),
    [
        ("accuracy", 1.5, "--stop-at: expected a score that accuracy can reach, 0 to 1, got 1.5; for 1.5 % give 0.015"),
        ("accuracy", -0.5, "--stop-at: expected a score that accuracy can reach, 0 to 1, got -0.5"),
        ("f1_macro", 95.0, "--stop-at: expected a score that f1_macro can reach, 0 to 1, got 95; for 95 % give 0.95"),
        ("log_loss", -0.1, "--stop-at: expected a score that log_loss can reach, at least 0, got -0.1"),
    ],
)
def test_a_score_that_cannot_be_reached_is_refused(metric, score, message):
    with pytest.raises(JobError) as refused:
        Job("d", metric=metric, stop_at=score)
    assert str(refused.value) == message
    assert Job("d", metric="log_loss", stop_at=1.5).stop_at == 1.5
    assert Job("d", stop_at=1.0).stop_at == 1.0


@pytest.mark.parametrize(
    ("key", "table"),
    [
        ("search", SAMPLERS),
        ("metric", METRICS),
        ("pruner", PRUNERS),
        ("executor", EXECUTORS),
        ("precision", PRECISIONS),
    ],
)
def test_names_are_offered_as_their_table_has_them(key, table):
    assert SETTINGS[key].json_schema == {"enum": list(table)}
    assert SETTINGS[key].flag_metavar == "|".join(table)
    assert [SETTINGS[key].read(name) for name in table] == list(table)
