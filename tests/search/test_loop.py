import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

import pytest

from pipeline.executors import InlineExecutor, LocalExecutor
from pipeline.search.forecast import Forecast
from pipeline.search.loop import Budget, Loop
from pipeline.search.optuna_study import read_study
from pipeline.search.proposer import Proposer
from pipeline.search.samplers import SAMPLERS
from pipeline.search.stop_reason import StopReason
from pipeline.study.trial import TrialState
from tests.fakes import Batches, Climb, Die, Raise
from tests.search_helpers import judging, open_storage
from tests.spaces import CONTINUOUS, GRID, space

EPOCHS = 4


class Diary:
    """A listener that writes down what it hears."""

    def __init__(self):
        self.lines = []

    def trial_started(self, record):
        self.lines.append(("began", record.number))

    def epoch_ended(self, record, report):
        assert (record.number, record.result.epochs) == (report.number, report.epoch)
        self.lines.append(("reported", report.number, report.epoch))

    def progressed(self, record, report):
        assert record.number == report.number
        self.lines.append(("progressed", report.number, report.batch))

    def trial_ended(self, record):
        self.lines.append(("ended", record.number, record.state))


def climb(trial, candidate):
    return Climb(trial.number, top=0.5 + trial.number / 100, epochs=EPOCHS)


def loop(folder, task=climb, executor=None, text=CONTINUOUS, search="random", pruner="none", listeners=(), **more):
    storage = open_storage(folder, space(folder, text), pruner, EPOCHS)
    found = space(folder, text)
    proposer = Proposer(found, SAMPLERS[search].plan(found, storage.proposals), storage, judging(found), 0)
    return Loop(proposer, storage, executor or InlineExecutor(), task, listeners, **more), storage


def states(folder):
    return [record.state for record in read_study(folder / "optuna.db")[0]]


def test_a_study_ends_at_its_total_and_goes_on_to_a_higher_one(tmp_path):
    for total in (3, 3, 5):
        study, storage = loop(tmp_path)
        assert study.run(Budget(total)) == StopReason.TRIALS_DONE
        assert [record.number for record in storage.records] == list(range(total))


def test_listeners_hear_everything_in_order_and_after_it_is_on_disk(tmp_path):
    class Witness(Diary):
        def trial_ended(self, record):
            super().trial_ended(record)
            assert states(tmp_path)[record.number] is record.state

    diary = Witness()
    loop(tmp_path, listeners=[diary])[0].run(Budget(2))
    one = [("began", 0), *(("reported", 0, epoch) for epoch in range(1, 5)), ("ended", 0, TrialState.COMPLETE)]
    assert diary.lines[:6] == one
    assert diary.lines[6:] == [(line[0], 1, *line[2:]) for line in one]


def test_a_trial_that_raises_costs_itself_only(tmp_path):
    def sometimes(trial, candidate):
        return Raise(trial.number, ValueError("no luck")) if trial.number == 1 else climb(trial, candidate)

    study, storage = loop(tmp_path, sometimes)
    study.run(Budget(3))
    assert states(tmp_path) == [TrialState.COMPLETE, TrialState.FAILED, TrialState.COMPLETE]
    assert storage.records[1].result.reason == "ValueError: no luck"


def test_a_killed_worker_is_a_failed_trial_with_its_signal(tmp_path):
    executor = LocalExecutor([{}, {}])

    def sometimes(trial, candidate):
        return Die(trial.number) if trial.number == 1 else climb(trial, candidate)

    try:
        study, storage = loop(tmp_path, sometimes, executor)
        study.run(Budget(4))
    finally:
        executor.close()
    assert sorted(states(tmp_path)) == [TrialState.COMPLETE] * 3 + [TrialState.FAILED]
    failed = storage.records[1].result
    assert "SIGKILL" in failed.reason
    assert (failed.epochs, failed.score) == (1, 0.5)


def test_the_pruner_stops_trials_but_never_at_their_last_epoch(tmp_path):
    def worse(trial, candidate):
        return Climb(trial.number, top=0.9 - trial.number / 100, epochs=EPOCHS)

    study, storage = loop(tmp_path, worse, pruner="asha")
    study.run(Budget(6))
    assert states(tmp_path)[0] is TrialState.COMPLETE
    assert states(tmp_path)[3:] == [TrialState.PRUNED] * 3
    assert {record.result.epochs for record in storage.records[3:]} == {2}
    assert storage.records[5].result.reason == "pruned after epoch 2"


def test_time_ends_a_study_and_its_running_trial_keeps_what_it_has(tmp_path):
    executor = LocalExecutor([{}])

    def slow(trial, candidate):
        return Climb(trial.number, epochs=EPOCHS, pause=0.4)

    try:
        study, storage = loop(tmp_path, slow, executor)
        began = time.monotonic()
        assert study.run(Budget(100, began + 1.0)) == StopReason.TIME_UP
    finally:
        executor.close()
    assert len(storage.records) == 1
    assert storage.records[0].state is TrialState.INTERRUPTED
    assert storage.records[0].result.reason.startswith("time was up after epoch")
    assert storage.begun == 0


@pytest.mark.parametrize(("epochs", "score"), [(0, None), (2, 0.45)])
def test_time_ends_a_trial_within_an_epoch(tmp_path, epochs, score):
    diary, clock = Diary(), iter([False] * (2 + epochs) + [True] * 9)

    class Clock(Budget):
        @property
        def time_is_up(self):
            return next(clock)

    study, storage = loop(tmp_path, lambda trial, candidate: Batches(trial.number, epochs), listeners=[diary])
    assert study.run(Clock(100)) == StopReason.TIME_UP
    [record] = storage.records
    assert (record.state, record.result.epochs, record.score) == (TrialState.INTERRUPTED, epochs, score)
    assert diary.lines[-3:] == [("progressed", 0, 0), ("progressed", 0, 1), ("ended", 0, TrialState.INTERRUPTED)]
    assert storage.begun == 0


def test_a_trial_that_cannot_be_stopped_is_dropped_before_its_first_epoch_ends(tmp_path, monkeypatch):
    monkeypatch.setattr("pipeline.search.loop._GRACE", 0.1)
    with closing(LocalExecutor([{}])) as executor:
        study, storage = loop(tmp_path, lambda trial, candidate: Climb(trial.number, pause=60), executor)
        began = time.monotonic()
        assert study.run(Budget(100, began + 0.1)) == StopReason.TIME_UP
        assert time.monotonic() - began < 10
        assert executor.free == 1
    [record] = storage.records
    assert (record.state, record.result.reason) == (TrialState.INTERRUPTED, "time was up in its first epoch")
    assert 0.1 < record.result.seconds < 10


def test_trials_are_answered_while_another_proposal_is_judged(tmp_path):
    found = space(tmp_path, CONTINUOUS)
    storage = open_storage(tmp_path, found, "none", EPOCHS)
    budget, judged = Budget(2), []

    def judge_slowly(params):
        judged.append(params)
        deadline = time.monotonic() + 20
        while len(judged) == 2 and storage.running and time.monotonic() < deadline:
            study.serve(budget, 0.05)
        return judging(found)(params)

    proposer = Proposer(found, SAMPLERS["random"].plan(found, 0), storage, judge_slowly, 0)
    with closing(LocalExecutor([{}, {}])) as executor:
        study = Loop(proposer, storage, executor, climb, ())
        began = time.monotonic()
        study.run(budget)
    assert time.monotonic() - began < 20
    assert [record.state for record in storage.records] == [TrialState.COMPLETE] * 2


def test_a_grid_ends_when_it_is_covered(tmp_path):
    study, storage = loop(tmp_path, text=GRID, search="grid")
    assert study.run(Budget(1000)) == StopReason.SPACE_COVERED
    assert len(storage.records) == 18


def test_ctrl_c_leaves_the_running_trials_to_be_repeated(tmp_path):
    def interrupting(trial, candidate):
        return Interrupting(trial.number) if trial.number == 1 else climb(trial, candidate)

    diary = Diary()
    study, _ = loop(tmp_path, interrupting, listeners=[diary])
    with pytest.raises(KeyboardInterrupt):
        study.run(Budget(4))
    assert states(tmp_path) == [TrialState.COMPLETE, TrialState.INTERRUPTED]
    assert diary.lines[-1] == ("ended", 1, TrialState.INTERRUPTED)
    again, _ = loop(tmp_path)
    again.run(Budget(4))
    assert states(tmp_path) == [TrialState.COMPLETE] * 4


def test_ctrl_c_between_steps_waits_for_the_next_one(tmp_path):
    calls = []

    def check():
        calls.append(None)
        if len(calls) == 5:
            raise KeyboardInterrupt

    found = space(tmp_path, CONTINUOUS)
    storage = open_storage(tmp_path, found, "none", EPOCHS)
    proposer = Proposer(found, SAMPLERS["random"].plan(found, 0), storage, judging(found), 0)
    with pytest.raises(KeyboardInterrupt):
        Loop(proposer, storage, InlineExecutor(), climb, (), check).run(Budget(9))
    assert states(tmp_path) == [TrialState.INTERRUPTED]


HOPELESS = CONTINUOUS + "limits: {parameters: 1}\n"


class Turns(InlineExecutor):
    """An executor that counts how often it could have heard from its workers."""

    heard = 0

    def wait(self, decide, timeout=None):
        self.heard += 1
        return super().wait(decide, timeout)


def test_a_search_that_finds_nothing_lets_workers_be_heard_and_can_be_interrupted(tmp_path, monkeypatch):
    monkeypatch.setattr("pipeline.search.proposer.GIVE_UP_AFTER", 9)
    executor = Turns()
    study, storage = loop(tmp_path, executor=executor, text=HOPELESS)

    def check():
        if executor.heard == 5:
            raise KeyboardInterrupt

    study._check_signals = check
    with pytest.raises(KeyboardInterrupt):
        study.run(Budget(9))
    assert storage.proposals == 5


def test_time_ends_a_search_that_finds_nothing(tmp_path):
    study, storage = loop(tmp_path, text=HOPELESS)

    class Clock(Budget):
        @property
        def time_is_up(self):
            return storage.proposals >= 3

    assert study.run(Clock(9)) == StopReason.TIME_UP
    assert storage.proposals == 3


class Interrupting(Climb):
    """A trial during which somebody presses Ctrl-C."""

    def run(self, report):
        raise KeyboardInterrupt


@dataclass(frozen=True)
class Score:
    """A trial that is scored by a Python function of its candidate."""

    number: int
    score: Callable[[], float]

    def run(self, report):
        return Climb(self.number, top=self.score()).run(report)


def test_any_python_function_can_be_the_objective(tmp_path):
    def objective(trial, candidate):
        return Score(trial.number, lambda: 1 / (1 + candidate.architecture.parameters))

    study, storage = loop(tmp_path, objective)
    study.run(Budget(2))
    for record in storage.records:
        assert record.score == pytest.approx(1 / (1 + record.parameters))


def test_no_trial_begins_that_cannot_end_in_time(tmp_path):
    slow = Forecast(seconds_per_mac=1.0)
    study, storage = loop(tmp_path, lambda trial, candidate: Climb(trial.number, epochs=1), forecast=slow)
    deadline = time.monotonic() + 60.0
    assert study.run(Budget(100, deadline)) == StopReason.NO_TIME
    assert time.monotonic() < deadline
    assert [record.state for record in storage.records] == [TrialState.COMPLETE]
