"""The fuzzers of users' files, for a second each; and that they notice what they are for."""

import time
from types import SimpleNamespace

import pytest
from hypothesis import strategies as st
from optuna.storages._rdb.storage import _VersionManager

from bench.fuzz import run
from pipeline.errors import DataError


@pytest.fixture(autouse=True)
def _restored(monkeypatch):
    """What a run changes in this process: the cache's place, and how Optuna finds the version of its tables."""
    monkeypatch.setenv("CONVTUNE_CACHE", "/nowhere")
    monkeypatch.setattr(_VersionManager, "get_head_version", _VersionManager.get_head_version)


@pytest.mark.parametrize("name", run.TARGETS)
def test_no_broken_file_raises_anything_but_our_own_errors(name):
    counts, problem = run.run(name, 1, first_seed=0)
    assert problem == ""
    assert counts.total() > 0
    assert set(counts) <= {"read", "ConvtuneError", "SpaceError", "JobError", "DataError", "StudyError"}


def found(monkeypatch, read):
    monkeypatch.setitem(run.TARGETS, "mine", SimpleNamespace(cases=lambda folder: st.integers(0, 9), read=read))
    return run.run("mine", 30, first_seed=0)


def test_another_exception_ends_the_target_and_names_the_smallest_case(monkeypatch):
    def read(case, folder):
        if case > 3:
            raise KeyError("lost")
        return "read"

    _, problem = found(monkeypatch, read)
    assert problem.startswith("KeyError at ")
    assert "case=4" in problem


def test_an_error_of_several_lines_is_wrong_too(monkeypatch):
    def read(case, folder):
        raise DataError("one\ntwo")

    assert "an error of several lines" in found(monkeypatch, read)[1]


def test_a_hang_is_ended(monkeypatch):
    monkeypatch.setattr(run, "_PATIENCE", 1)
    counts, problem = found(monkeypatch, lambda case, folder: time.sleep(30))
    assert (counts.total(), problem) == (0, "a case took over 1 s")
