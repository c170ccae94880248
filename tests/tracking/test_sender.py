"""The sending thread: order, batches, and what it does when a store refuses or dies. No MLflow store here."""

import threading

import pytest
from mlflow.entities import Metric
from mlflow.exceptions import MlflowException

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


def test_a_store_that_stays_away_is_told_once(sender, sent):
    down = MlflowException("API request failed: [Errno 111] Connection refused")
    for name in ("first", "second", "third"):
        sender.put(name, failing(3, down, sent, name))
    sender.call(lambda: None)
    assert sent == []
    assert sender.problems == [
        "the store: MLflow stopped answering (Connection refused); the first and everything after it are missing"
    ]


def test_a_call_is_tried_even_then(sender, sent):
    sender.put("lost", failing(99, MlflowException("down"), sent, "lost"))
    assert sender.call(lambda: "here again") == "here again"
    assert len(sender.problems) == 1


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
