"""The sending thread: order, batches, and what it does when a store refuses or dies. No MLflow store here."""

import threading
import time

import pytest
from mlflow.entities import Metric
from mlflow.exceptions import MlflowException, RestException

from pipeline.errors import TrackingError
from pipeline.tracking import sender as module
from pipeline.tracking.sender import Sender


@pytest.fixture
def sent():
    """What has been sent, in order."""
    return []


@pytest.fixture
def sender(sent, monkeypatch):
    monkeypatch.setattr(module, "_PAUSES", (0.01, 0.01))
    sender = Sender("the store", lambda trial, metrics: sent.append((trial, [metric.step for metric in metrics])))
    yield sender
    sender.close()


def metric(step):
    return Metric("loss", 1.0, 0, step)


def test_metrics_of_a_moment_go_together_and_before_what_follows(sender, sent):
    gate = threading.Event()
    sender.put("gate", gate.wait)
    for step in (1, 2, 3):
        sender.put_metrics(0, [metric(step)])
        sender.put_metrics(1, [metric(10 * step)])
    sender.put("end", lambda: sent.append("end of 0"))
    sender.put_metrics(1, [metric(40)])
    gate.set()
    sender.close()
    assert sent == [(0, [1, 2, 3]), (1, [10, 20, 30]), "end of 0", (1, [40])]


def test_callers_do_not_wait(sender, sent):
    gate = threading.Event()
    sender.put("gate", gate.wait)
    sender.put("later", lambda: sent.append("later"))
    assert sent == []
    gate.set()
    sender.close()
    assert sent == ["later"]


def test_a_call_comes_after_what_was_queued_and_answers(sender, sent):
    sender.put_metrics(0, [metric(1)])
    assert sender.call(lambda: list(sent)) == [(0, [1])]


def test_a_call_raises_where_it_was_made(sender):
    with pytest.raises(ZeroDivisionError):
        sender.call(lambda: 1 / 0)
    assert sender.problems == []


def failing(times, error, sent, name):
    left = [error] * times

    def send():
        if left:
            raise left.pop()
        sent.append(name)

    return send


def test_a_store_that_comes_back_has_everything(sender, sent):
    sender.put("first", failing(2, MlflowException("down"), sent, "first"))
    sender.put("second", lambda: sent.append("second"))
    sender.call(lambda: None)
    assert sent == ["first", "second"]
    assert sender.problems == []


DOWN = MlflowException("API request failed: [Errno 111] Connection refused")


def test_what_is_away_is_told_once_and_nothing_is_lost(sender, sent, capsys):
    back = threading.Event()

    def send():
        if not back.is_set():
            raise DOWN
        sent.append("first")

    sender.put("first", send)
    sender.put("second", lambda: sent.append("second"))
    with pytest.raises(TrackingError, match=r"^the store: MLflow does not answer \(Connection refused\)$"):
        sender.call(lambda: sent.append("a call"))
    time.sleep(0.2)
    back.set()
    sender.put("third", lambda: sent.append("third"))
    while sender.away:
        time.sleep(0.01)
    assert sender.call(lambda: list(sent)) == ["first", "second", "third"]
    assert capsys.readouterr().err.count("training goes on, and its runs will follow") == 1
    assert sender.problems == []


def test_a_minute_away_costs_few_attempts_and_is_over_soon(sent, monkeypatch, capsys):
    """The pauses are as long as in a study, but no time passes in them."""
    clock, attempts = [0.0], []
    sender = Sender("the store", lambda trial, metrics: None)

    def send():
        attempts.append(clock[0])
        if clock[0] < 60:
            raise DOWN
        sent.append("first")

    monkeypatch.setattr(sender._wanted, "wait", lambda seconds: clock.__setitem__(0, clock[0] + seconds))
    sender.put("first", send)
    sender.put("second", lambda: sent.append("second"))
    while len(sent) < 2:
        time.sleep(0.01)
    sender.close()
    assert attempts == [0, 1, 3, 7, 15, 30, 45, 60]
    assert sent == ["first", "second"]
    assert capsys.readouterr().err.count("training goes on, and its runs will follow") == 1
    assert sender.problems == []


def test_who_waits_for_a_store_that_is_back_does_not_wait_for_the_pause(sent, monkeypatch):
    monkeypatch.setattr(module, "_PAUSES", (3600,))
    sender = Sender("the store", lambda trial, metrics: None)
    sender.put("first", failing(1, DOWN, sent, "first"))
    while not sender.away:
        time.sleep(0.01)
    assert sender.call(lambda: list(sent)) == ["first"]
    sender.close()
    assert sender.problems == []


def test_one_lost_connection_costs_nobody_who_waits_his_answer(sender, sent):
    error = [MlflowException("('Connection aborted.', RemoteDisconnected(...))")]

    def send():
        if error:
            assert sender._wanted.wait(10)  # somebody waits already
            raise error.pop()
        time.sleep(3 * module._POLL_SECONDS)  # a look at the store falls into the second attempt
        sent.append("first")

    sender.put("first", send)
    assert sender.call(lambda: list(sent)) == ["first"]
    assert sender.problems == []


def test_who_waits_for_a_store_that_is_away_is_told_after_one_attempt(sent, monkeypatch):
    monkeypatch.setattr(module, "_PAUSES", (3600,))
    sender = Sender("the store", lambda trial, metrics: None)
    sender.put("first", failing(99, DOWN, sent, "first"))
    while not sender.away:
        time.sleep(0.01)
    with pytest.raises(TrackingError, match="does not answer"):
        sender.call(lambda: sent.append("a call"))
    sender.close()
    assert sent == []


def test_a_server_that_fails_at_one_write_gets_the_others(sender, sent):
    sender.put("bad", failing(99, RestException({"error_code": "INTERNAL_ERROR", "message": "x"}), sent, "bad"))
    sender.put("good", lambda: sent.append("good"))
    while not sent:
        time.sleep(0.01)
    sender.close()
    assert sent == ["good"]
    assert sender.problems == ["the store: MLflow refused the bad: INTERNAL_ERROR: x"]


def test_a_server_that_fails_at_every_request_for_a_while_loses_none(sent, monkeypatch, capsys):
    """As one whose own database restarts: it counts as away, for longer than one write may fail by itself."""
    monkeypatch.setattr(module, "_PAUSES", (0.01, 0.01))
    down = RestException({"error_code": "INTERNAL_ERROR", "message": "(psycopg2.OperationalError) x"})
    asked = []
    sender = Sender("the store", lambda trial, metrics: None, lambda: asked.append(0) or len(asked) > 20)
    sender.put("study's run", failing(20, down, sent, "run"), vital=True)
    sender.put("second", lambda: sent.append("second"))
    while len(sent) < 2:
        time.sleep(0.01)
    sender.close()
    assert sent == ["run", "second"]
    assert sender.problems == []
    assert capsys.readouterr().err.count("training goes on, and its runs will follow") == 1


def test_what_the_server_fails_at_in_the_end_alone_is_left_out(sent, monkeypatch):
    monkeypatch.setattr(module, "_PAUSES", (3600,))
    sender = Sender("the store", lambda trial, metrics: None)
    sender.put("bad", failing(99, RestException({"error_code": "INTERNAL_ERROR", "message": "x"}), sent, "bad"))
    sender.put("good", lambda: sent.append("good"))
    sender.close()
    assert sent == ["good"]
    assert sender.problems == ["the store: MLflow refused the bad: INTERNAL_ERROR: x"]


def test_without_a_vital_write_there_are_no_others(sender, sent):
    sender.put("study's run", failing(1, MlflowException("no", error_code=1000), sent, "run"), vital=True)
    sender.put("second", lambda: sent.append("second"))
    sender.close()
    assert sent == []
    assert sender.problems == ["the store: MLflow refused the study's run: no; everything is missing"]


def test_who_waits_while_a_vital_write_is_refused_is_told_so_and_asks_nothing(sender, sent):
    def refuse():
        assert sender._wanted.wait(60)  # somebody waits already
        raise MlflowException("no", error_code=1000)

    sender.put("study's run", refuse, vital=True)
    with pytest.raises(TrackingError, match=r"^the store: MLflow refused the study's run: no; everything is missing$"):
        sender.call(lambda: sent.append("a call"))
    assert sent == []


def test_what_is_refused_is_not_tried_again(sender, sent):
    refused = MlflowException("no such name", error_code=1000)  # INVALID_PARAMETER_VALUE
    for name in ("first", "second"):
        sender.put(name, failing(1, refused, sent, name))
    sender.put("third", lambda: sent.append("third"))
    sender.close()
    assert sent == ["third"]
    assert sender.problems == ["the store: MLflow refused the first: no such name (and 1 more writes)"]


@pytest.mark.parametrize(("failures", "arrived"), [(1, ["first"]), (99, [])])
def test_closing_tries_once_more_without_a_pause(sent, monkeypatch, failures, arrived):
    monkeypatch.setattr(module, "_PAUSES", (3600, 3600, 3600))
    sender = Sender("the store", lambda trial, metrics: None)
    sender.put("first", failing(failures, MlflowException("down"), sent, "first"))
    sender.close()
    assert sent == arrived
    assert bool(sender.problems) == (not arrived)


def test_a_call_is_repeated_as_often_as_it_says_where_the_failure_may_pass(sender, sent):
    sender.call(failing(1, DOWN, sent, "asked"), attempts=2)
    assert sent == ["asked"]
    with pytest.raises(MlflowException, match="refused"):
        sender.call(failing(2, DOWN, sent, "asked twice"), attempts=2)
    with pytest.raises(MlflowException, match="no such name"):
        sender.call(failing(1, MlflowException("no such name", error_code=1000), sent, "refused"), attempts=2)
    assert sent == ["asked"]


def test_a_store_that_has_answered_somebody_is_not_away(sent, monkeypatch):
    monkeypatch.setattr(module, "_PAUSES", (3600, 3600, 3600))
    sender = Sender("the store", lambda trial, metrics: None)
    with pytest.raises(MlflowException):
        sender.call(failing(1, DOWN, sent, "asked"))
    sender.call(lambda: None)
    assert sender.away == ""
    sender._closing.set()
    sender.put("first", failing(1, DOWN, sent, "first"))
    sender.close()
    assert sent == ["first"], "it was tried again, as where nothing is known of the store"


def test_a_store_that_was_away_when_somebody_asked_is_tried_only_once_at_the_end(sent, monkeypatch):
    monkeypatch.setattr(module, "_PAUSES", (3600, 3600, 3600))
    sender = Sender("the store", lambda trial, metrics: None)
    with pytest.raises(MlflowException):
        sender.call(failing(1, MlflowException("down"), sent, "asked"))
    assert sender.away == "down"
    sender._closing.set()
    sender.put("first", failing(1, MlflowException("down"), sent, "first"))
    sender.close()
    assert sent == []
    assert "the first and everything after it are missing" in sender.problems[0]
