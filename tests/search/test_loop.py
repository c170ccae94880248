import os
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest

from pipeline.errors import MachineError
from pipeline.executors import InlineExecutor, LocalExecutor
from pipeline.search.forecast import Forecast
from pipeline.search.loop import Loop
from pipeline.search.optuna_study import read_study
from pipeline.search.proposer import Proposer
from pipeline.search.samplers import SAMPLERS
from pipeline.search.stop_reason import Budget, StopReason
from pipeline.search.storage import StudyStorage
from pipeline.study.trial import Fault, TrialState
from tests.fakes import Batches, Climb, Deaf, Devour, Die, EatUp, FillDisk, Raise
from tests.required import lacking_right
from tests.search_helpers import Diary, Times, judging, open_storage
from tests.spaces import CONTINUOUS, GRID, space

EPOCHS = 4


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


@pytest.mark.parametrize("epoch", [2, EPOCHS])
def test_a_trial_whose_epoch_cannot_be_noted_fails_by_the_machine_and_alone(tmp_path, epoch):
    class Full(Diary):
        def epoch_ended(self, record, report):
            super().epoch_ended(record, report)
            if (record.number, report.epoch) == (1, epoch):
                raise MachineError("machine fault: history.csv: No space left on device")

    diary = Full()
    study, storage = loop(tmp_path, listeners=[diary])
    assert study.run(Budget(3)) == StopReason.TRIALS_DONE
    assert states(tmp_path) == [TrialState.COMPLETE, TrialState.FAILED, TrialState.COMPLETE]
    failed = storage.records[1].result
    assert (failed.fault, failed.epochs, failed.model) == (Fault.MACHINE, epoch, "")
    assert failed.reason == "machine fault: history.csv: No space left on device"
    assert [line for line in diary.lines if line[1] == 1][-1] == ("ended", 1, TrialState.FAILED)


def test_a_trial_that_raises_costs_itself_only(tmp_path):
    def sometimes(trial, candidate):
        return Raise(trial.number, ValueError("no luck")) if trial.number == 1 else climb(trial, candidate)

    study, storage = loop(tmp_path, sometimes)
    study.run(Budget(3))
    assert states(tmp_path) == [TrialState.COMPLETE, TrialState.FAILED, TrialState.COMPLETE]
    assert storage.records[1].result.reason == "ValueError: no luck"


def test_a_killed_worker_is_a_failed_trial_with_its_signal_and_its_slot_trains_again_within_15_s(tmp_path):
    times = Times()

    def sometimes(trial, candidate):
        return Die(trial.number) if trial.number == 1 else climb(trial, candidate)

    with closing(LocalExecutor([{}])) as executor:
        study, storage = loop(tmp_path, sometimes, executor, listeners=[times])
        study.run(Budget(4))
    assert times.heard[2] - times.heard[1] < 15, "it died at its first report"
    assert sorted(states(tmp_path)) == [TrialState.COMPLETE] * 3 + [TrialState.FAILED]
    failed = storage.records[1].result
    assert "SIGKILL" in failed.reason
    assert (failed.epochs, failed.score, failed.fault) == (1, 0.5, Fault.MACHINE)


@pytest.fixture
def group():
    """A group of processes that may have 100 MB of memory: its folder, and where the kernel counts whom it killed."""
    name, hierarchy = f"convtune-test-{os.getpid()}", Path("/sys/fs/cgroup")
    old = (hierarchy / "memory" / name, {"memory.limit_in_bytes": True, "memory.memsw.limit_in_bytes": False})
    new = (hierarchy / name, {"memory.max": True, "memory.swap.max": False})
    folder, limits = old if old[0].parent.is_dir() else new
    try:
        folder.mkdir()
        for limit, needed in limits.items():
            if needed or (folder / limit).exists():
                (folder / limit).write_text("100000000")
    except OSError as error:
        with suppress(OSError):
            folder.rmdir()
        lacking_right(f"no memory can be limited here: {error}")
    yield folder, folder / ("memory.oom_control" if folder is old[0] else "memory.events")
    folder.rmdir()


def test_a_worker_that_the_kernel_kills_for_its_memory_is_a_fault_of_the_machine(tmp_path, group):
    folder, counts = group

    def at_first(trial, candidate):
        return climb(trial, candidate) if trial.number else EatUp(trial.number, folder / "cgroup.procs")

    with closing(LocalExecutor([{}])) as executor:
        study, storage = loop(tmp_path, at_first, executor)
        study.run(Budget(2))
    killed, trained = (record.result for record in storage.records)
    assert "oom_kill 1" in counts.read_text().splitlines()
    assert (killed.state, killed.fault, killed.epochs) == (TrialState.FAILED, Fault.MACHINE, 1)
    assert killed.reason == "machine fault: worker died: signal 9 (SIGKILL, perhaps out of memory)"
    assert trained.state is TrialState.COMPLETE


def test_a_fault_of_the_machine_costs_a_trial_and_leaves_the_earlier_files(tmp_path):
    model = tmp_path / "model.keras"
    model.write_text("of an earlier run")
    faults = [lambda number: Devour(number), lambda number: FillDisk(number, str(model))]

    def at_first(trial, candidate):
        return faults[trial.number](trial.number) if trial.number < 2 else climb(trial, candidate)

    with closing(LocalExecutor([{}])) as executor:
        study, storage = loop(tmp_path, at_first, executor)
        study.run(Budget(3))
    memory, disk, whole = (record.result for record in storage.records)
    assert whole.state is TrialState.COMPLETE
    for failed, reason in ((memory, "MemoryError"), (disk, "OSError: [Errno 27] File too large")):
        assert (failed.state, failed.fault) == (TrialState.FAILED, Fault.MACHINE)
        assert failed.reason.startswith(f"machine fault: {reason}")
    assert model.read_text() == "of an earlier run"


def test_a_machine_that_fails_every_trial_ends_the_study_which_trains_in_a_later_session(tmp_path):
    with closing(LocalExecutor([{}, {}])) as executor:
        study, storage = loop(tmp_path, lambda trial, _: Die(trial.number), executor)
        assert study.run(Budget(50)) == StopReason.MACHINE_FAULTS
        assert 5 <= len(storage.records) <= 7, "and those that ran beside them"
        assert {record.result.fault for record in storage.records} == {Fault.MACHINE}
    study, storage = loop(tmp_path)
    failed = storage.requeue_failed()
    assert study.run(Budget(len(failed) + 1)) == StopReason.TRIALS_DONE
    assert set(states(tmp_path)) == {TrialState.COMPLETE}


def test_a_slot_that_fails_each_of_its_trials_ends_a_study_that_trains_on_another(tmp_path):
    """As one bad GPU among two would take all the trials, since it fails them at once."""

    def on_slot(trial, candidate):
        return Climb(trial.number, pause=0.2) if trial.slot == 0 else FillDisk(trial.number, str(tmp_path / "full"))

    with closing(LocalExecutor([{}, {}])) as executor:
        study, storage = loop(tmp_path, on_slot, executor)
        assert study.run(Budget(50)) == StopReason.MACHINE_FAULTS
    assert sum(record.result.fault is Fault.MACHINE for record in storage.records) == 5
    assert {record.state for record in storage.records if record.trial.slot == 0} == {TrialState.COMPLETE}


@pytest.mark.parametrize(("stay", "reason"), [(True, StopReason.MACHINE_FAULTS), (False, StopReason.TRIALS_DONE)])
def test_the_faults_of_a_slot_count_where_its_number_stays_that_of_one_worker(tmp_path, monkeypatch, stay, reason):
    def on_slot(trial, candidate):
        return Raise(trial.number, MachineError("no GPU")) if trial.slot else climb(trial, candidate)

    monkeypatch.setattr(StudyStorage, "_free_slot", lambda storage: storage.begun % 2)
    study, _ = loop(tmp_path, on_slot, slots_stay=stay)
    assert study.run(Budget(12)) == reason


def test_no_trial_begins_on_a_disk_without_room(tmp_path):
    room = iter([True, True, False])
    study, _ = loop(tmp_path, has_room=lambda: next(room))
    assert study.run(Budget(9)) == StopReason.NO_ROOM
    assert states(tmp_path) == [TrialState.COMPLETE] * 2


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


@pytest.mark.parametrize(
    ("epochs", "reason"), [(0, "time was up in its first epoch"), (2, "time was up after epoch 2")]
)
def test_a_trial_that_does_not_stop_is_ended_and_keeps_what_it_has_saved(tmp_path, epochs, reason):
    class Clock(Budget):
        @property
        def time_is_up(self):
            return bool(storage.records) and storage.records[0].result.epochs == epochs

    with closing(LocalExecutor([{}])) as executor:
        study, storage = loop(tmp_path, lambda trial, candidate: Deaf(trial.number, epochs), executor)
        began = time.monotonic()
        assert study.run(Clock(100, grace=0.2)) == StopReason.TIME_UP
        assert time.monotonic() - began < 40, "the trial would take 60"
        assert executor.free == 1
    [record] = storage.records
    assert (record.state, record.result.reason) == (TrialState.INTERRUPTED, reason)
    assert (record.result.epochs, record.result.model) == (epochs, "saved.keras" if epochs else "")
    assert 0.2 < record.result.seconds < 40


def test_a_proposal_that_is_judged_for_too_long_does_not_hold_up_the_end(tmp_path):
    found = space(tmp_path, CONTINUOUS)
    storage = open_storage(tmp_path, found, "none", EPOCHS)

    class Late(Budget):
        """Its time is up once a proposal is being judged."""

        @property
        def time_is_up(self):
            return storage.proposals > 0

    budget = Late(9, time.monotonic(), grace=0.1)

    def judge_for_ever(params):
        while True:
            study.serve_while_judging(budget)

    proposer = Proposer(found, SAMPLERS["random"].plan(found, 0), storage, judge_for_ever, 0)
    study = Loop(proposer, storage, InlineExecutor(), climb, ())
    assert study.run(budget) == StopReason.TIME_UP
    assert storage.records == []


def test_a_study_ends_with_the_trial_that_reaches_the_score(tmp_path):
    diary = Diary()
    for _ in range(2):
        study, storage = loop(tmp_path, with_model, listeners=[diary])
        assert study.run(Budget(9, stop_at=0.38)) == StopReason.SCORE_REACHED
    [first, last] = storage.records
    assert (first.state, first.result.epochs, first.result.reason) == (TrialState.COMPLETE, 4, "")
    assert (last.state, last.result.epochs) == (TrialState.COMPLETE, 3)
    assert last.result.reason == "stopped after epoch 3: it has reached 0.38"
    assert diary.lines[-1] == ("ended", 1, TrialState.COMPLETE), "resumed, it does nothing"


def with_model(trial, candidate):
    """Tops of 0.37, 0.51, 0.52 ..."""
    return Climb(trial.number, top=0.5 + trial.number / 100 if trial.number else 0.37, epochs=EPOCHS, model="m.keras")


def test_the_others_are_stopped_when_one_reaches_the_score(tmp_path):
    def endless_but_one(trial, candidate):
        return with_model(trial, candidate) if trial.number == 1 else Batches(trial.number, epochs=1, pause=0.01)

    with closing(LocalExecutor([{}, {}])) as executor:
        study, storage = loop(tmp_path, endless_but_one, executor)
        assert study.run(Budget(9, stop_at=0.5)) == StopReason.SCORE_REACHED
    stopped, winner = storage.records
    assert (winner.state, winner.score) == (TrialState.COMPLETE, 0.51)
    assert (stopped.state, stopped.result.epochs) == (TrialState.INTERRUPTED, 1)
    assert stopped.result.reason == "stopped after epoch 1: trial 1 has reached 0.5"


def test_patience_ends_a_study_without_progress_and_counts_over_its_whole_record(tmp_path):
    tops = [0.5, 0.6, 0.6, 0.4, 0.3, 0.7]

    def trained(trial, candidate):
        return Climb(trial.number, top=tops[trial.number], epochs=EPOCHS)

    for patience, trials in ((2, 4), (2, 4), (3, 5), (4, 6)):
        study, storage = loop(tmp_path, trained)
        reason = study.run(Budget(6, patience=patience))
        assert len(storage.records) == trials
        assert reason == (StopReason.TRIALS_DONE if trials == 6 else StopReason.NO_BETTER)


def test_a_running_trial_may_still_restore_patience(tmp_path):
    def trained(trial, candidate):
        return Climb(trial.number, [0.5, 0.9, 0.1, 0.1][trial.number], 2, pause=1.0 if trial.number == 1 else 0.0)

    with closing(LocalExecutor([{}, {}])) as executor:
        study, storage = loop(tmp_path, trained, executor)
        assert study.run(Budget(9, patience=1)) == StopReason.NO_BETTER
    assert [record.number for record in storage.records] == [0, 1, 2]


def test_a_trial_that_never_ends_fails_after_its_time_and_the_others_are_trained(tmp_path):
    times = Times()

    def one_is_stuck(trial, candidate):
        return Deaf(trial.number, epochs=2) if trial.number == 0 else climb(trial, candidate)

    with closing(LocalExecutor([{}])) as executor:
        study, storage = loop(tmp_path, one_is_stuck, executor, listeners=[times])
        [stuck] = executor.pids
        assert study.run(Budget(3, trial_timeout=4.0)) == StopReason.TRIALS_DONE
        assert stuck not in executor.pids
    late, *others = storage.records
    assert late.result.seconds - 4 + times.heard[1] - times.ended[0] < 15, "until its slot trains again"
    assert (late.state, late.result.reason) == (TrialState.FAILED, "took longer than --trial-timeout 4s")
    assert (late.result.epochs, late.score, late.result.model) == (2, 0.5, "")
    assert late.result.seconds > 4
    assert [record.state for record in others] == [TrialState.COMPLETE] * 2


def test_waiting_for_the_storage_does_not_count_towards_the_time_of_a_trial(tmp_path):
    class Away(Diary):
        def epoch_ended(self, record, report):
            super().epoch_ended(record, report)
            if (record.number, report.epoch) == (0, 1):
                time.sleep(7)  # as a write to a server that is away

    with closing(LocalExecutor([{}, {}])) as executor:
        study, storage = loop(tmp_path, climb, executor, listeners=[Away()])
        study.run(Budget(3, trial_timeout=4.0))
    assert [record.state for record in storage.records] == [TrialState.COMPLETE] * 3


@pytest.mark.parametrize("seconds", [6, 60])
def test_the_start_of_a_worker_does_not_count_towards_the_time_of_a_trial_but_it_has_an_end(
    tmp_path, monkeypatch, seconds
):
    if seconds == 60:
        monkeypatch.setattr("pipeline.search.stop_reason._START", 1.0)
    with closing(LocalExecutor([{}], partial(time.sleep, seconds))) as executor:
        study, storage = loop(tmp_path, climb, executor)
        study.run(Budget(1, trial_timeout=4.0))
    [record] = storage.records
    if seconds == 6:
        assert (record.state, record.result.reason) == (TrialState.COMPLETE, "")
    else:
        reason = "no worker began it within 5s (--trial-timeout, and 1 s to start)"
        assert (record.state, record.result.fault, record.result.reason) == (TrialState.FAILED, Fault.MACHINE, reason)


@pytest.mark.parametrize(("pruner", "epochs"), [("asha", 2), ("none", EPOCHS)])
def test_a_trial_that_ends_for_a_reason_of_its_own_is_complete(tmp_path, monkeypatch, pruner, epochs):
    def after_two(history, metric, epochs):
        assert (metric.name, epochs) == ("accuracy", EPOCHS)
        return "no better for 1 epochs" if len(history) == 2 else ""

    monkeypatch.setattr("pipeline.search.loop.why_final", after_two)
    study, storage = loop(tmp_path, with_model, pruner=pruner)
    study.run(Budget(1))
    [record] = storage.records
    assert (record.state, record.result.epochs, record.result.model) == (TrialState.COMPLETE, epochs, "m.keras")
    assert record.result.reason == ("stopped after epoch 2: no better for 1 epochs" if epochs == 2 else "")


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
    assert [(record.state, record.trial.epochs) for record in storage.records] == [(TrialState.COMPLETE, 1)]


@dataclass(frozen=True)
class Lasting(Climb):
    """Says that it took so many seconds."""

    seconds: float = 1e6

    def run(self, report):
        return replace(super().run(report), seconds=self.seconds)


def test_trials_of_an_earlier_run_tell_the_time(tmp_path):
    study, _ = loop(tmp_path, lambda trial, candidate: Lasting(trial.number, epochs=1))
    study.run(Budget(1))
    study, storage = loop(tmp_path)
    assert study.run(Budget(100, time.monotonic() + 20.0)) == StopReason.NO_TIME
    assert len(storage.records) == 1


def test_more_trials_begin_when_the_first_one_shows_that_there_is_time(tmp_path):
    """By the prior nothing fits; the first trial, which has a single epoch, says that it took two seconds."""
    slow = Forecast(seconds_per_mac=1.0)

    def lasting(trial, candidate):
        return Lasting(trial.number, epochs=trial.epochs, seconds=2.0)

    study, storage = loop(tmp_path, lasting, forecast=slow)
    assert study.run(Budget(3, time.monotonic() + 60.0)) == StopReason.TRIALS_DONE
    assert [record.trial.epochs for record in storage.records] == [1, EPOCHS, EPOCHS]
