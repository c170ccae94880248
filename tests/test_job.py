import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import JobError
from pipeline.job import KEYS, Job, assignments, job, seconds


def test_what_is_not_given_takes_its_default():
    assert job({}, {"data": "digits", "space": None, "trials": ""}) == Job("digits")


def test_a_flag_wins_over_the_file_and_none_does_not():
    file = {"data": "a", "epochs": 5, "seed": 3}
    assert job(file, {"epochs": "7", "seed": None}) == Job("a", epochs=7, seed=3)


def test_every_key_is_read():
    values = {
        "data": "d",
        "space": "s.yaml",
        "search": "grid",
        "trials": 3,
        "time": "1h30m",
        "epochs": 4,
        "workers": "1",
        "pruner": "none",
        "study": "x",
        "seed": 9,
        "try": [{"blocks": 2}, "a=1,b=[2, [3, 4]]", "resnet18", 1],
        "set": {"kernel": 3},
        "limit": {"macs": "none"},
        "image_size": "64x48",
        "precision": "float32",
        "executor": "inline",
        "objective": "macs,value",
    }
    assert set(values) == set(KEYS)
    read = job(values, {})
    assert read.attempts == ({"blocks": 2}, {"a": 1, "b": [2, [3, 4]]}, "resnet18", "1")
    assert read.limits == (("macs", "none"),)
    assert (read.time, read.image_size, read.fixed) == (5400, (64, 48), (("kernel", 3),))
    assert read.objective == ("accuracy", "macs")


def test_a_job_written_to_a_file_is_the_same_job_again():
    asked = {"data": "d", "time": "10m", "image_size": "8x9", "try": ["a=1", "b"], "set": ["b=x", "c=1e-4"]}
    asked = job(asked | {"limit": "macs=5", "objective": ["latency", "accuracy"]}, {})
    assert job(asked.as_file(), {}) == asked


def test_a_grid_without_trials_has_no_total():
    assert job({"data": "d", "search": "grid"}, {}).total == math.inf
    assert job({"data": "d"}, {}).total == 20


@pytest.mark.parametrize(("text", "expected"), [("10m", 600), ("600s", 600), ("90", 90), ("1h30m", 5400), (1.5, 1.5)])
def test_times(text, expected):
    assert seconds(text) == expected


@given(st.integers(0, 9), st.integers(0, 59), st.integers(1, 59))
def test_times_add_up(hours, minutes, rest):
    assert seconds(f"{hours}h{minutes}m{rest}s") == hours * 3600 + minutes * 60 + rest


@pytest.mark.parametrize("text", ["", "-5m", "0", "5 weeks", "m", "10m!", True])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ValueError, match="expected a time"):
        seconds(text)


@pytest.mark.parametrize("text", ["", "a", "a=", "=1", "a=1,,b=2", "a=1,a=2"])
def test_what_is_no_assignment_is_refused(text):
    with pytest.raises(ValueError, match="expected"):
        assignments(text)


def test_an_error_names_the_file_and_the_key_or_the_flag():
    with pytest.raises(JobError, match=r"^job\.yaml: epochs: expected a whole number from 1, got 0$"):
        job({"data": "d", "epochs": 0}, {}, where="job.yaml")
    with pytest.raises(JobError, match=r"^--objective: expected accuracy among them, .*, got 'macs'$"):
        job({"data": "d"}, {"objective": "macs"})
    with pytest.raises(JobError, match=r"^--image-size: "):
        job({"data": "d"}, {"image_size": "big"})
    with pytest.raises(JobError, match="did you mean 'epochs'"):
        job({"data": "d", "epoch": 3}, {}, where="job.yaml")


def test_trials_side_by_side_need_worker_processes():
    assert job({"data": "d", "workers": 2}, {}).workers == 2
    with pytest.raises(JobError, match="--workers: expected 1 with --executor inline, got 2; use --executor local"):
        job({"data": "d", "workers": 2}, {"executor": "inline"})
