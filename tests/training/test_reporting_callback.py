import itertools
import math
import time
from contextlib import suppress

import keras
import numpy as np
import pytest

from pipeline.errors import WorkerError
from pipeline.metrics import ACCURACY, METRICS
from pipeline.study.trial import BatchReport, Decision, EpochReport, Report, Trial, TrialState
from pipeline.training.reporting_callback import ReportingCallback, TrainingStopped

IMAGES, LABELS = np.ones((8, 4), np.float32), np.arange(8) % 2
LOSSES = {"loss": 1.0, "val_loss": 1.0}


@pytest.fixture
def model():
    network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, "softmax")])
    network.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return network


def run_epochs(model, scores, metric=ACCURACY, answer=Decision.CONTINUE, epochs=None, **logs) -> ReportingCallback:
    """A callback that has heard of epochs with these scores; the bias of the model tells their number."""
    callback = ReportingCallback(Trial(7, {}, 0, epochs or len(scores)), metric, lambda report: answer)
    callback.set_model(model)
    callback.set_params({"steps": 1})
    for epoch, score in enumerate(scores):
        model.layers[0].bias.assign([epoch + 1, 0])
        with suppress(TrainingStopped):
            callback.on_epoch_end(epoch, LOSSES | {metric.logged_as: score} | logs)
    return callback


def best_epoch(callback) -> int:
    return int(callback.best_weights[1][0])


@pytest.mark.parametrize(
    ("decision", "state"),
    [
        (Decision.PRUNE, TrialState.PRUNED),
        (Decision.FINISH, TrialState.COMPLETE),
        (Decision.STOP, TrialState.INTERRUPTED),
    ],
)
def test_a_decision_to_end_ends_every_further_fit(model, decision, state):
    reports: list[EpochReport] = []

    def after_an_epoch(report):
        if isinstance(report, BatchReport):
            return Decision.CONTINUE
        reports.append(report)
        return decision

    callback = ReportingCallback(Trial(7, {}, 0, 5), ACCURACY, after_an_epoch)
    for _ in range(3):
        with pytest.raises(TrainingStopped):
            fit(model, callback)
    assert int(model.optimizer.iterations) == 4
    result = callback.result()
    assert (result.number, result.state, result.decision, result.reason) == (7, state, decision, "")
    assert result.history == tuple(reports)


@pytest.mark.parametrize(
    ("stopped_at", "epochs", "steps"),
    [
        (1, 0, 0),
        (3, 0, 2),
        (5, 0, 4),  # while validating
        (10, 1, 5),
    ],
)
def test_a_training_is_stopped_within_an_epoch(model, monkeypatch, stopped_at, epochs, steps):
    monkeypatch.setattr("pipeline.training.reporting_callback._REPORT_EVERY", 0.0)
    reports: list[BatchReport] = []

    def stop(report):
        if isinstance(report, BatchReport):
            reports.append(report)
        return Decision.STOP if len(reports) == stopped_at else Decision.CONTINUE

    callback = ReportingCallback(Trial(7, {}, 0, 5), ACCURACY, stop, batch_size=2)
    for _ in range(2):
        with pytest.raises(TrainingStopped):
            fit(model, callback)
    result = callback.result()
    assert int(model.optimizer.iterations) == steps
    assert (result.state, result.epochs) == (TrialState.INTERRUPTED, epochs)
    assert callback.keeps_model == (epochs > 0)
    assert len(reports) == stopped_at
    assert (reports[-1].batches, reports[-1].batch_size, reports[-1].epoch) == (4, 2, epochs + 1)
    assert reports[-1].validating == (stopped_at == 5)
    assert (reports[-1].speed is not None) == (stopped_at > 2)


def test_batches_are_reported_twice_a_second_at_most(model):
    reports: list[Report] = []
    callback = ReportingCallback(
        Trial(7, {}, 0, 5), ACCURACY, lambda report: reports.append(report) or Decision.CONTINUE
    )
    began = time.monotonic()
    fit(model, callback)
    assert 1 <= sum(isinstance(report, BatchReport) for report in reports) <= 2 * (time.monotonic() - began) + 1


def fit(model, callback):
    model.fit(IMAGES, LABELS, 2, epochs=5, verbose=0, callbacks=[callback], validation_data=(IMAGES, LABELS))


def test_the_epochs_of_several_fits_are_numbered_on_to_those_of_the_trial(model):
    callback = ReportingCallback(Trial(7, {}, 0, 3), ACCURACY, lambda report: Decision.CONTINUE)
    for _ in range(3):
        model.fit(IMAGES, LABELS, 8, epochs=2, verbose=0, callbacks=[callback], validation_data=(IMAGES, LABELS))
    result = callback.result()
    assert (result.state, [report.epoch for report in result.history]) == (TrialState.COMPLETE, [1, 2, 3])


@pytest.mark.parametrize(("metric", "best", "score"), [("accuracy", 2, 3.0), ("roc_auc", 2, 3.0), ("log_loss", 3, 1.0)])
def test_the_weights_of_the_best_epoch_are_kept(model, metric, best, score):
    callback = run_epochs(model, [2.0, 3.0, 1.0, math.nan, 2.0], METRICS[metric])
    assert (best_epoch(callback), callback.score) == (best, score)


def test_of_equal_epochs_the_first_is_the_best(model):
    assert best_epoch(run_epochs(model, [0.5, 0.5])) == 1


@pytest.mark.parametrize("decision", [Decision.PRUNE, Decision.FINISH, Decision.STOP])
def test_a_decision_after_the_last_epoch_is_ignored(model, decision):
    callback = run_epochs(model, [0.5], answer=decision)
    result = callback.result()
    assert callback.keeps_model
    assert (result.state, result.decision, result.reason) == (TrialState.COMPLETE, Decision.CONTINUE, "")


@pytest.mark.parametrize("decision", Decision)
def test_a_score_that_is_never_finite_is_a_failure(model, decision):
    callback = run_epochs(model, [math.nan], answer=decision, epochs=2)
    result = callback.result()
    assert not callback.keeps_model
    assert (result.state, result.score, result.epochs) == (TrialState.FAILED, None, 1)
    assert result.reason == "no epoch gave a finite val_accuracy"


def test_no_epoch_at_all_is_a_failure(model):
    result = run_epochs(model, [], epochs=1).result()
    assert (result.state, result.epochs, result.reason) == (TrialState.FAILED, 0, "no epoch gave a finite val_accuracy")


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_that_is_not_finite_is_a_failure_and_not_reported(model, name):
    callback = run_epochs(model, [0.5], epochs=2)
    callback.on_epoch_end(1, LOSSES | {"val_accuracy": 0.9, name: math.inf})
    result = callback.result()
    assert model.stop_training
    assert (result.state, result.score, result.epochs) == (TrialState.FAILED, 0.5, 1)
    assert "inf" in result.reason
    assert result.reason.endswith("in epoch 2")


def test_of_a_metric_with_one_value_per_class_the_mean_is_reported(model):
    callback = run_epochs(model, [0.5], val_f1=np.array([0.25, 0.75], np.float32))
    assert callback.result().history[0].metrics["val_f1"] == 0.5


@pytest.mark.parametrize("missing", ["val_loss", "val_accuracy"])
def test_an_epoch_that_was_not_validated_is_an_error(model, missing):
    callback = run_epochs(model, [], epochs=1)
    logs = {name: value for name, value in (LOSSES | {"val_accuracy": 0.5}).items() if name != missing}
    with pytest.raises(WorkerError, match=r"ended without val_accuracy.*pass on validation_data"):
        callback.on_epoch_end(0, logs)


@pytest.mark.parametrize(("seconds", "reported"), [(7.9, ["", "", "", ""]), (8.1, ["m1", "m2", "m2", "m3"])])
def test_a_training_with_batches_of_seconds_saves_its_model_as_it_goes(model, monkeypatch, seconds, reported):
    now, numbers, models = [0.0], itertools.count(1), []
    monkeypatch.setattr("pipeline.training.reporting_callback.time.monotonic", lambda: now[0])

    def report(made):
        models.append(made.model)
        return Decision.CONTINUE

    callback = ReportingCallback(Trial(7, {}, 0, 4), ACCURACY, report)
    callback.set_model(model)
    callback.set_params({"steps": 4})
    callback.save_model = lambda: f"m{next(numbers)}"
    for epoch, score in enumerate([0.1, 0.2, 0.2, 0.3]):
        now[0] += seconds
        callback.on_epoch_end(epoch, LOSSES | {"val_accuracy": score})
    assert models == reported
    assert callback.result().model == (reported[-1] or "m1")


@pytest.mark.parametrize(
    ("answer", "epochs", "score", "saved"),
    [(Decision.STOP, 9, 0.5, ""), (Decision.STOP, 9, 0.9, "m"), (Decision.CONTINUE, 1, 0.5, "")],
    ids=["worse", "better", "complete but worse"],
)
def test_a_better_model_of_an_earlier_run_is_not_overwritten(model, answer, epochs, score, saved):
    trial = Trial(7, {}, 0, epochs, earlier_score=0.8)
    callback = ReportingCallback(trial, ACCURACY, lambda report: answer)
    callback.set_model(model)
    callback.set_params({"steps": 1})
    callback.save_model = lambda: "m"
    with suppress(TrainingStopped):
        callback.on_epoch_end(0, LOSSES | {ACCURACY.logged_as: score})
    assert callback.result().model == saved
