from pipeline.errors import WorkerError
from pipeline.executors import Function, Inline, call
from pipeline.trial import Answer, Outcome, State
from tests.fakes import Climb, Raise


def test_it_runs_what_was_submitted_when_waited_for():
    executor = Inline()
    executor.submit(Climb(7, epochs=3))
    assert executor.free == 0
    heard = []
    [finished] = executor.wait(lambda report: heard.append(report.epoch) or Answer.GO)
    assert heard == [1, 2, 3]
    assert isinstance(finished.value, Outcome)
    assert finished.value.state is State.COMPLETE
    assert executor.free == 1


def test_nothing_to_do_is_no_result():
    assert Inline().wait(lambda report: Answer.GO) == []


def test_an_error_is_a_result():
    executor = Inline()
    executor.submit(Raise(1, KeyError("x")))
    [finished] = executor.wait(lambda report: Answer.GO)
    assert isinstance(finished.error, WorkerError)


def test_any_python_function_can_be_the_task():
    executor = Inline()
    executor.submit(Function(lambda a, b: a * b, (6, 7), number=3))
    assert executor.wait(lambda report: Answer.GO)[0].value == 42
    assert call(executor, "math:sqrt", 9.0) == 3.0


def test_a_file_that_ends_too_early_is_the_tasks_error():
    executor = Inline()
    executor.submit(Raise(1, EOFError("Compressed file ended")))
    assert str(executor.wait(lambda report: Answer.GO)[0].error) == "EOFError: Compressed file ended"


def test_the_traceback_of_a_fault_goes_to_the_log_alone(tmp_path, capsys):
    executor = Inline(tmp_path / "worker.log")
    executor.submit(Raise(1, KeyError("x")))
    executor.wait(lambda report: Answer.GO)
    assert "Traceback" in (tmp_path / "worker.log").read_text()
    assert capsys.readouterr() == ("", "")
