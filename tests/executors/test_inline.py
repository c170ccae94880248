import os
from pathlib import Path

from pipeline.errors import WorkerError
from pipeline.executors import InlineExecutor, call
from pipeline.study.trial import Decision, TrialResult, TrialState
from tests.fakes import Climb, Raise, ReadEnvironment


def test_it_runs_what_was_submitted_when_waited_for():
    executor = InlineExecutor()
    executor.submit(Climb(7, epochs=3))
    assert executor.free == 0
    epochs = []
    [result] = executor.wait(lambda report: epochs.append(report.epoch) or Decision.CONTINUE)
    assert epochs == [1, 2, 3]
    assert isinstance(result.value, TrialResult)
    assert result.value.state is TrialState.COMPLETE
    assert executor.free == 1


def test_nothing_to_do_is_no_result():
    assert InlineExecutor().wait(lambda report: Decision.CONTINUE) == []


def test_an_error_is_a_result():
    executor = InlineExecutor()
    executor.submit(Raise(1, KeyError("x")))
    [result] = executor.wait(lambda report: Decision.CONTINUE)
    assert isinstance(result.error, WorkerError)


def test_anything_with_a_number_and_a_run_is_a_task(monkeypatch):
    class Multiply:
        number = 3

        def run(self, report):
            return 6 * 7

    executor = InlineExecutor()
    executor.submit(Multiply())
    [result] = executor.wait(lambda report: Decision.CONTINUE)
    assert (result.number, result.value) == (3, 42)
    monkeypatch.setenv("SLOT", "a")
    assert call(executor, ReadEnvironment("SLOT")) == "a"


def test_a_file_that_ends_too_early_is_the_tasks_error():
    executor = InlineExecutor()
    executor.submit(Raise(1, EOFError("Compressed file ended")))
    assert str(executor.wait(lambda report: Decision.CONTINUE)[0].error) == "EOFError: Compressed file ended"


def test_the_traceback_of_a_fault_goes_to_the_log_alone(tmp_path, capsys):
    executor = InlineExecutor(tmp_path / "worker.log")
    executor.submit(Raise(1, KeyError("x")))
    executor.wait(lambda report: Decision.CONTINUE)
    assert "Traceback" in (tmp_path / "worker.log").read_text()
    assert capsys.readouterr() == ("", "")


def warm_up():
    os.write(1, b"warming up\n")


def test_a_log_without_room_fails_no_task():
    executor = InlineExecutor(Path("/dev/full"))
    executor.submit(Raise(1, KeyError("x")))
    assert str(executor.wait(lambda report: Decision.CONTINUE)[0].error) == "KeyError: 'x'"


def test_it_warms_up_once_before_the_first_task_and_into_the_log(tmp_path, capfd):
    executor = InlineExecutor(tmp_path / "worker.log", warm_up)
    for _ in range(2):
        call(executor, ReadEnvironment("SLOT"))
    assert (tmp_path / "worker.log").read_text() == "warming up\n"
    assert capfd.readouterr() == ("", "")


def test_warming_up_that_fails_leaves_the_error_to_the_task(tmp_path):
    def fail():
        raise ImportError("no such library")

    assert call(InlineExecutor(tmp_path / "worker.log", fail), ReadEnvironment("NOT SET")) is None


def test_closing_drops_a_task_that_has_not_begun():
    executor = InlineExecutor()
    executor.submit(Raise(1, KeyError("x")))
    executor.close()
    assert executor.free == 1
    assert executor.wait(lambda report: Decision.CONTINUE) == []
