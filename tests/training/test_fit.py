import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.architecture import FAMILIES
from pipeline.data import load
from pipeline.metrics import ACCURACY, METRICS, Metric, compute_metrics
from pipeline.recipe import Recipe
from pipeline.study.model_metadata import ModelMetadata, read_metadata
from pipeline.study.trial import Decision, EpochReport, Trial, TrialState
from pipeline.training.inputs import TrainingInputs
from pipeline.training.save import load as load_model
from pipeline.training.task import TrainTask
from tests.fakes import at_epochs

PARAMS = {"family": "plain", "blocks": 1, "filters": 8, "fc_layers": 0, "learning_rate": 0.01, "batch_size": 32}
KERAS_METRICS = {"loss", "accuracy", "val_loss", "epoch_learning_rate"}


def make_task(folder: Path, epochs=2, seed=0, metric: Metric = ACCURACY, precision="auto", **params) -> TrainTask:
    data = load("digits", seed=0, fetch=lambda name, folder: None)
    params = PARAMS | params
    metadata = ModelMetadata(data.classes, data.shape, data.name, data.digest, 0, "a-study", 4)
    trial = Trial(4, params, seed, epochs)
    inputs = TrainingInputs(trial, data, metric, precision, folder / "model.keras", metadata)
    architecture = FAMILIES["plain"].build(params, data.shape, len(data.classes))
    return TrainTask(inputs, architecture, Recipe.from_params(params))


def go_on(report):
    return Decision.CONTINUE


def saved_scores(task: TrainTask) -> dict[str, float]:
    """All metrics of the saved model on the validation images."""
    data = task.inputs.dataset
    probabilities = load_model(task.inputs.model_file).predict(data.images[data.validation], verbose=0)
    assert probabilities.sum(axis=1) == pytest.approx(1.0, abs=1e-5)
    return compute_metrics(data.labels[data.validation], probabilities)


TRAINED = {"epochs": 3, "flip": False, "shift": 0.1, "label_smoothing": 0.05}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    reports = []
    task = make_task(tmp_path_factory.mktemp("trained"), **TRAINED)
    return task, task.run(at_epochs(lambda report: reports.append(report) or Decision.CONTINUE)), reports


def test_it_learns_and_reports_all_metrics_of_every_epoch(trained):
    _, result, reports = trained
    assert result.state is TrialState.COMPLETE
    assert result.decision is Decision.CONTINUE
    assert result.score > 0.5  # ten classes: chance is 0.1
    assert result.history == tuple(reports)
    assert [report.epoch for report in reports] == [1, 2, 3]
    for report in reports:
        assert set(report.metrics) == KERAS_METRICS | {metric.logged_as for metric in METRICS.values()}
        assert all(math.isfinite(value) for value in report.metrics.values())
    assert result.score == max(report.metrics["val_accuracy"] for report in reports)
    assert result.device == "cpu"


def test_the_saved_model_takes_raw_pixels_and_gives_the_reported_scores(trained):
    task, result, reports = trained
    best = max(reports, key=lambda report: report.metrics["val_accuracy"])
    assert best.metrics["val_accuracy"] == result.score
    for name, score in saved_scores(task).items():
        assert score == pytest.approx(best.metrics[f"val_{name}"], abs=1e-5), name


def test_the_saved_model_takes_images_of_any_size(trained):
    bigger = np.zeros((2, 20, 30, 1), dtype=np.uint8)
    assert load_model(trained[0].inputs.model_file).predict(bigger, verbose=0).shape == (2, 10)


def test_class_names_and_the_score_travel_with_the_model(trained):
    task, result, _ = trained
    metadata = read_metadata(task.inputs.model_file)
    assert metadata.classes == task.inputs.dataset.classes
    assert (metadata.study, metadata.trial) == ("a-study", 4)
    assert (metadata.metric, metadata.score) == ("accuracy", result.score)


def test_the_saved_model_is_made_of_kerass_own_layers_only(trained):
    model = load_model(trained[0].inputs.model_file)
    assert {type(layer).__module__.split(".")[0] for layer in model.layers} == {"keras"}
    assert not any(layer.__class__.__name__.startswith("Random") for layer in model.layers)


def test_of_a_minimised_metric_the_epoch_with_the_lowest_score_is_saved(tmp_path):
    """The learning rate makes the log loss rise after the first epochs."""
    settings = {"norm": "none", "learning_rate": 0.05, "batch_size": 16}
    task = make_task(tmp_path, 5, seed=1, metric=METRICS["log_loss"], **settings)
    result = task.run(go_on)
    losses = [report.metrics["val_log_loss"] for report in result.history]
    assert losses[0] > min(losses) < losses[-1], "the test needs another learning rate"
    assert (result.state, result.score) == (TrialState.COMPLETE, min(losses))
    assert saved_scores(task)["log_loss"] == pytest.approx(min(losses), abs=1e-5)
    metadata = read_metadata(task.inputs.model_file)
    assert (metadata.metric, metadata.score) == ("log_loss", min(losses))


def test_averaged_weights_are_validated_and_saved(tmp_path):
    settings = {"norm": "none", "learning_rate": 0.05, "batch_size": 16}
    own, averaged = (
        make_task(tmp_path / name, 2, seed=1, ema=ema, **settings) for name, ema in (("o", 0.0), ("a", 2.0))
    )
    histories = [task.run(go_on).history for task in (own, averaged)]
    losses = [[report.metrics["loss"] for report in history] for history in histories]
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)  # the training itself is the same
    scores = [max(report.metrics["val_accuracy"] for report in history) for history in histories]
    assert scores[0] != scores[1]
    assert saved_scores(averaged)["accuracy"] == pytest.approx(scores[1], abs=1e-5)


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_the_loss_of_a_batch_is_the_weighted_mean_of_its_images_and_the_metrics_count_each_alike(tmp_path, precision):
    """One step on all images, at a rate that changes nothing; compared with the loss by hand from the saved model."""
    smoothing, settings = 0.1, {"norm": "none", "ema": 0.0, "learning_rate": 1e-8, "batch_size": 1000}
    task = make_task(
        tmp_path, 1, precision=precision, class_weight="balanced", label_smoothing=smoothing, flip=False, **settings
    )
    data = task.inputs.dataset
    rare = data.labels[data.train] < 9
    train = np.concatenate([data.train[~rare], data.train[rare][:40]])
    data = replace(data, train=train)
    task = replace(task, inputs=replace(task.inputs, dataset=data))
    result = task.run(go_on)
    assert result.state is TrialState.COMPLETE  # though a batch would have more images than there are
    metrics, model = result.history[0].metrics, load_model(task.inputs.model_file)
    assert_float32(model)
    probabilities = model.predict(data.images[train], verbose=0)
    labels, counts = data.labels[train], np.bincount(data.labels[train])
    targets = np.eye(10)[labels] * (1 - smoothing) + smoothing / 10
    losses = -(targets * np.log(probabilities)).sum(axis=1)
    weighted = (losses * len(train) / (10 * counts[labels])).mean()
    tolerance = 1e-4 if precision == "float32" else 0.02
    assert abs(weighted - losses.mean()) > 3 * tolerance, "the test needs images for which weights matter"
    assert metrics["loss"] == pytest.approx(weighted, abs=tolerance)
    assert metrics["accuracy"] == pytest.approx((probabilities.argmax(axis=1) == labels).mean(), abs=0.01)
    assert metrics["val_accuracy"] == pytest.approx(saved_scores(task)["accuracy"], abs=0.02)


def test_the_same_seed_trains_the_same(trained, tmp_path):
    same, other = (make_task(tmp_path, seed=seed, **TRAINED).run(go_on) for seed in (0, 4))
    losses = [[report.metrics["loss"] for report in result.history] for result in (trained[1], same, other)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    assert losses[0] != pytest.approx(losses[2], rel=1e-4)


def test_a_pruned_trial_leaves_no_model(tmp_path):
    result = make_task(tmp_path, epochs=5).run(lambda report: Decision.PRUNE)
    assert (result.state, result.decision, result.epochs) == (TrialState.PRUNED, Decision.PRUNE, 1)
    assert (result.model, result.reason) == ("", "")
    assert not (tmp_path / "model.keras").exists()


@pytest.mark.parametrize("slow", [0.0, math.inf])
def test_a_trial_stopped_within_an_epoch_leaves_its_best_model_and_saves_it_earlier_if_it_is_slow(
    tmp_path, monkeypatch, slow
):
    monkeypatch.setattr("pipeline.training.reporting_callback._REPORT_EVERY", 0.0)
    monkeypatch.setattr("pipeline.training.reporting_callback._SLOW", slow)
    task, saved = make_task(tmp_path, epochs=5, precision="mixed_bfloat16" if slow == 0 else "auto"), []

    def stop_in_the_third(report):
        if isinstance(report, EpochReport):
            saved.append(report.model)
            assert bool(report.model) == task.inputs.model_file.exists()
        elif report.epoch == 3 and report.batch:
            return Decision.STOP
        return Decision.CONTINUE

    result = task.run(stop_in_the_third)
    assert (result.state, result.decision, result.epochs) == (TrialState.INTERRUPTED, Decision.STOP, 2)
    assert result.model == str(tmp_path / "model.keras")
    assert saved == [result.model if slow == 0 else ""] * 2
    assert result.score > 0.2  # chance is 0.1
    assert saved_scores(task)["accuracy"] == pytest.approx(result.score, abs=0.01 if slow == 0 else 1e-6)


def test_a_loss_that_is_not_finite_ends_the_trial_as_failed(tmp_path):
    task = make_task(tmp_path, epochs=3, optimizer="sgd", learning_rate=100.0, momentum=0.99, norm="none")
    result = task.run(go_on)
    assert result.state is TrialState.FAILED
    assert "loss is" in result.reason
    assert "in epoch 1" in result.reason
    assert not task.inputs.model_file.exists()


def assert_float32(model):
    assert {layer.compute_dtype for layer in model.layers} == {"float32"}
    assert {weight.dtype for weight in model.weights} == {"float32"}


def test_mixed_precision_leaves_a_float32_model_of_the_reported_accuracy(tmp_path):
    """That of bfloat16 is above, in the test of the loss."""
    task = make_task(tmp_path, epochs=1, precision="mixed_float16")
    result = task.run(go_on)
    assert_float32(load_model(task.inputs.model_file))
    assert saved_scores(task)["accuracy"] == pytest.approx(result.score, abs=0.05)
    assert result.score > 0.2  # chance is 0.1


def test_metrics_that_need_more_classes_are_left_out(tmp_path):
    task = make_task(tmp_path, epochs=1)
    data = task.inputs.dataset
    few = [rows[data.labels[rows] < 4] for rows in (data.train, data.validation)]
    four = replace(data, classes=data.classes[:4], train=few[0], validation=few[1])
    architecture = FAMILIES["plain"].build(PARAMS, data.shape, 4)
    task = replace(task, inputs=replace(task.inputs, dataset=four), architecture=architecture)
    metrics = set(task.run(go_on).history[0].metrics)
    assert "val_roc_auc" in metrics
    assert "val_top5_accuracy" not in metrics
