"""Which models stay: the best by score, the front, what runs, and what is being read."""

import math
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.study.kept_models import KeptModels, hold, kept
from pipeline.study.paths import StudyPaths
from pipeline.study.record import best, mark_front, standing_run
from pipeline.study.trial import TrialState
from tests.report.made_up import record
from tests.study.test_record import MODELS, SCORED_BY, TRIALS, study

COUNTS = st.integers(1, 5)
MINIMIZED = st.sampled_from([(), ("macs",), ("macs", "parameters")])


@pytest.fixture
def paths(tmp_path):
    return StudyPaths(tmp_path / "mine")


def with_model(paths, number, score=0.5, state=TrialState.COMPLETE):
    file = paths.model(number)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"a model")
    return record(number, score, state, model=str(file) if state in MODELS else "")


def on_disk(paths):
    return [int(file.parent.name) for file in sorted(paths.path.glob("trials/*/model.keras"))]


@given(TRIALS, COUNTS, MINIMIZED, SCORED_BY)
def test_the_best_and_the_front_stay(trials, count, minimized, metric):
    records = study(trials, minimized, metric)
    numbers = kept(records, count)
    with_models = [one for one in records if one.result.model]
    assert len(numbers) == len(set(numbers)) >= min(count, len(with_models))
    assert set(numbers) >= {one.number for one in records if one.front}
    winner = best(records)
    assert winner is None or winner.number in numbers
    if not minimized:
        assert len(numbers) == min(count, len(with_models))
    assert set(kept(records, math.inf)) == {one.number for one in with_models}


@given(TRIALS, COUNTS, MINIMIZED, SCORED_BY)
def test_none_comes_back_as_trials_are_added(trials, count, minimized, metric):
    records = study(trials, minimized, metric)
    stay = []
    for one in records:
        stay = kept([other for other in records if other.number in (*stay, one.number)], count)
    assert set(stay) == set(kept(records, count))


def test_a_better_trial_pushes_out_the_worst(paths):
    models = KeptModels(paths, [], 2)
    for number, score in enumerate((0.5, 0.7, 0.6, 0.4)):
        models.trial_ended(with_model(paths, number, score))
    assert on_disk(paths) == [1, 2]


def test_a_pruned_trial_leaves_none_and_all_may_stay(paths):
    models = KeptModels(paths, [], math.inf)
    for number, state in enumerate((TrialState.COMPLETE, TrialState.PRUNED, TrialState.INTERRUPTED)):
        models.trial_ended(with_model(paths, number, 0.5, state))
    assert on_disk(paths) == [0, 2]


def test_the_best_model_stays_when_the_repetition_of_its_trial_fails(paths):
    cut = with_model(paths, 1, 0.9, TrialState.INTERRUPTED)
    models = KeptModels(paths, [with_model(paths, 0, 0.6), cut], 1)
    models.trial_started(1)
    failed = standing_run(cut, record(1, None, TrialState.FAILED))
    models.trial_ended(failed)
    models.trial_ended(with_model(paths, 2, 0.7))
    assert on_disk(paths) == [1]
    assert best([record(0, 0.6, model="gone"), failed, record(2, 0.7, model="gone")]) is failed


def test_the_model_that_a_running_trial_saves_stays_whatever_its_earlier_run_had(paths):
    models = KeptModels(paths, [with_model(paths, 0, 0.3, TrialState.INTERRUPTED)], 1)
    models.trial_started(0)
    models.trial_ended(with_model(paths, 1, 0.6))
    assert on_disk(paths) == [0, 1], "trial 0 runs again"
    models.trial_ended(with_model(paths, 0, 0.9))
    assert on_disk(paths) == [0]


def test_a_session_that_keeps_fewer_removes_what_an_earlier_one_left(paths):
    records = [with_model(paths, number, number / 10) for number in range(4)]
    KeptModels(paths, mark_front(records), 2)
    assert on_disk(paths) == [2, 3]


def test_a_model_that_another_process_reads_stays_until_that_has_ended(paths):
    lines = "import sys, pathlib; from pipeline.study.kept_models import hold; hold(pathlib.Path(sys.argv[1]))"
    held = with_model(paths, 0, 0.1)
    reader = subprocess.Popen(
        [sys.executable, "-c", f"{lines}; print('held', flush=True); sys.stdin.read()", held.result.model],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert reader.stdout.readline() == "held\n"
    models = KeptModels(paths, [held], 1)
    models.trial_ended(with_model(paths, 1, 0.5))
    assert on_disk(paths) == [0, 1]
    reader.communicate("")
    models.trial_ended(with_model(paths, 2, 0.6))
    assert on_disk(paths) == [2]


def test_holding_a_model_that_is_gone_is_told_and_one_that_cannot_be_read_is_not(paths, monkeypatch):
    with pytest.raises(FileNotFoundError):
        hold(paths.model(0))

    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(os, "open", refuse)
    hold(paths.model(0))


def test_without_locks_models_are_removed_all_the_same(paths, monkeypatch):
    def refuse(*_):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr("pipeline.study.kept_models.fcntl.flock", refuse)
    hold(paths.path.parent)
    KeptModels(paths, [with_model(paths, number, number / 10) for number in range(3)], 1)
    assert on_disk(paths) == [2]
