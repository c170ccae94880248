import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.errors import DataError, SpaceError, WorkerError
from pipeline.executors import Function, Local, call
from pipeline.executors.task import Finished
from pipeline.trial import Answer, Report, State
from tests.fakes import Climb, Die, Grow, Raise, Unpackable


def go_on(report: Report) -> Answer:
    return Answer.GO


def wait_for(executor: Local, count: int, decide=go_on) -> dict[int, Finished]:
    finished: dict[int, Finished] = {}
    deadline = time.monotonic() + 60
    while len(finished) < count and time.monotonic() < deadline:
        finished |= {one.number: one for one in executor.wait(decide, 1.0)}
    return finished


@pytest.fixture(scope="module")
def pair():
    executor = Local([{"SLOT": "a"}, {"SLOT": "b"}])
    yield executor
    executor.close()


def test_a_task_reports_every_epoch_and_ends_with_its_outcome(pair):
    heard = []
    pair.submit(Climb(3, top=0.8, epochs=4))
    outcome = wait_for(pair, 1, lambda report: heard.append(report.epoch) or Answer.GO)[3].value
    assert heard == [1, 2, 3, 4]
    assert (outcome.state, outcome.value, outcome.epochs) == (State.COMPLETE, 0.8, 4)


def test_a_trial_ends_when_it_is_told_to(pair):
    pair.submit(Climb(0, epochs=9))
    outcome = wait_for(pair, 1, lambda report: Answer.PRUNE if report.epoch == 2 else Answer.GO)[0].value
    assert (outcome.state, outcome.epochs) == (State.PRUNED, 2)


def test_a_killed_worker_costs_its_own_trial_only(pair):
    pair.submit(Die(0))
    pair.submit(Climb(1, epochs=3, pause=0.1))
    finished = wait_for(pair, 2)
    assert "signal 9 (SIGKILL" in str(finished[0].error)
    assert finished[1].value.state is State.COMPLETE
    pair.submit(Climb(2))
    assert wait_for(pair, 1)[2].value.state is State.COMPLETE


def test_a_segfault_is_named(pair):
    pair.submit(Die(0, signal.SIGSEGV))
    assert "signal 11 (SIGSEGV)" in str(wait_for(pair, 1)[0].error)


def test_a_worker_that_died_idle_is_replaced(pair):
    for pid in pair.pids:
        os.kill(pid, signal.SIGKILL)
    time.sleep(0.3)
    pair.submit(Climb(5))
    assert wait_for(pair, 1)[5].value.state is State.COMPLETE


def test_what_a_task_raises_comes_back_as_one_line(pair):
    pair.submit(Raise(0, ValueError("first line\nsecond line")))
    error = wait_for(pair, 1)[0].error
    assert isinstance(error, WorkerError)
    assert str(error) == "ValueError: first line"


def test_an_error_for_the_user_keeps_its_class(pair):
    pair.submit(Raise(0, SpaceError("here")))
    error = wait_for(pair, 1)[0].error
    assert isinstance(error, SpaceError)
    assert str(error) == "here"


@pytest.mark.parametrize("error", [DataError("the cache is gone"), ImportError("no module"), EOFError("cut off")])
def test_a_task_that_cannot_be_unpacked_costs_no_worker(pair, error):
    pids = pair.pids
    pair.submit(Unpackable(6, error))
    assert str(error) in str(wait_for(pair, 1)[6].error)
    assert pair.pids == pids


def test_each_slot_has_its_own_environment(pair):
    for number in (0, 1):
        pair.submit(Function("tests.fakes:environment", ("SLOT",), number))
    assert {one.value for one in wait_for(pair, 2).values()} == {"a", "b"}


def test_call_gives_the_functions_result(pair):
    assert call(pair, "math:hypot", 3, 4) == 5.0


def test_one_worker_serves_many_tasks():
    executor = Local([{}])
    try:
        assert len({call(executor, os.getpid) for _ in range(4)}) == 1
    finally:
        executor.close()


def test_a_worker_that_has_grown_is_replaced(monkeypatch):
    monkeypatch.setattr("pipeline.executors.local._GROWTH", 50_000_000)
    executor = Local([{}])
    try:
        pids = []
        for number in range(3):
            executor.submit(Grow(number, 200_000_000 if number == 1 else 1))
            pids.append(wait_for(executor, 1)[number].value)
    finally:
        executor.close()
    assert pids[0] == pids[1] != pids[2]


def test_what_a_worker_prints_goes_to_its_log(tmp_path, capfd):
    executor = Local([{}], log=tmp_path / "worker.log")
    try:
        call(executor, "os:write", 2, b"chatter")
    finally:
        executor.close()
    assert "chatter" in (tmp_path / "worker.log").read_text()
    assert "chatter" not in capfd.readouterr().err


def test_closing_leaves_no_process():
    executor = Local([{}, {}])
    pids = executor.pids
    executor.submit(Climb(0, pause=30))
    executor.close()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_listener_that_fails_is_no_dead_worker():
    def disk_full(report: Report) -> Answer:
        raise OSError(28, "No space left on device")

    executor = Local([{}])
    [pid] = executor.pids
    executor.submit(Climb(0))
    with pytest.raises(OSError, match="No space left"):
        wait_for(executor, 1, disk_full)
    assert executor.pids == [pid]
    executor.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


SIGNALLED = """
import os, signal
from pipeline.executors import Local, call
from tests.fakes import Climb

EVERY = signal.SIGINT, signal.SIGTERM, signal.SIGHUP

if __name__ == "__main__":
    heard = []
    for number in EVERY:
        signal.signal(number, lambda number, frame: heard.append(number))

    def everybody(report=None):
        for number in EVERY:
            os.killpg(0, number)
        return "go"

    executor = Local([{}])
    pids = executor.pids
    everybody()  # while the worker's interpreter starts
    assert call(executor, os.getpid) == pids[0]
    executor.submit(Climb(0, epochs=2))
    while not (finished := executor.wait(everybody)):
        pass
    print(finished[0].value.state, executor.pids == pids, len(heard))
    # not closed: the end of this process must not wait for a worker that hears no SIGTERM
"""


@pytest.mark.slow
def test_a_signal_to_the_whole_group_is_the_parents_to_answer(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SIGNALLED)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    ran = subprocess.run(
        [sys.executable, script], env=environment, capture_output=True, text=True, timeout=60, start_new_session=True
    )
    assert ran.stdout.split() == ["complete", "True", "9"], ran.stderr
    assert "Traceback" not in ran.stderr
