import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline import model_card
from pipeline.architecture import FAMILIES
from pipeline.data import load
from pipeline.model_card import ModelCard
from pipeline.recipe import Recipe
from pipeline.training.fit import normalisation, train
from pipeline.training.save import load as load_model
from pipeline.training.task import TrainTask
from pipeline.trial import Answer, State, Trial

VALUES = {"family": "plain", "blocks": 1, "filters": 8, "fc_layers": 0, "learning_rate": 0.01, "batch_size": 32}


def task(folder: Path, epochs=2, seed=0, **values) -> TrainTask:
    data = load("digits", seed=0, fetch=lambda name, folder: None)
    values = VALUES | values
    card = ModelCard(data.classes, data.shape, data.name, data.digest, 0, "a-study", 4)
    architecture = FAMILIES["plain"].rule(values, data.shape, len(data.classes))
    trial = Trial(4, values, seed, epochs)
    return TrainTask(trial, data, "auto", folder / "model.keras", card, architecture, Recipe.from_values(values))


def go_on(report):
    return Answer.GO


def saved_accuracy(work: TrainTask) -> float:
    """Of the saved model, on the validation images."""
    data = work.dataset
    probabilities = load_model(work.model_file).predict(data.images[data.validation], verbose=0)
    assert probabilities.sum(axis=1) == pytest.approx(1.0, abs=1e-5)
    return float((probabilities.argmax(axis=1) == data.labels[data.validation]).mean())


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    reports = []
    work = task(tmp_path_factory.mktemp("trained"), epochs=3, flip=False, shift=0.1, label_smoothing=0.05)
    return work, train(work, lambda report: reports.append(report) or Answer.GO), reports


def test_it_learns_and_reports_under_kerass_names(trained):
    _, outcome, reports = trained
    assert outcome.state is State.COMPLETE
    assert outcome.value > 0.5  # ten classes: chance is 0.1
    assert outcome.history == tuple(reports)
    assert [report.epoch for report in reports] == [1, 2, 3]
    assert set(reports[0].metrics) == {"loss", "accuracy", "val_loss", "val_accuracy", "learning_rate"}
    assert outcome.value == max(report.metrics["val_accuracy"] for report in reports)
    assert outcome.device == "cpu"


def test_the_saved_model_takes_raw_pixels_and_gives_the_reported_accuracy(trained):
    work, outcome, _ = trained
    assert saved_accuracy(work) == pytest.approx(outcome.value, abs=1e-6)


def test_the_saved_model_takes_images_of_any_size(trained):
    bigger = np.zeros((2, 20, 30, 1), dtype=np.uint8)
    assert load_model(trained[0].model_file).predict(bigger, verbose=0).shape == (2, 10)


def test_class_names_travel_with_the_model(trained):
    card = model_card.get(trained[0].model_file)
    assert card.classes == trained[0].dataset.classes
    assert (card.study, card.trial, card.value) == ("a-study", 4, trained[1].value)


def test_the_saved_model_is_made_of_kerass_own_layers_only(trained):
    model = load_model(trained[0].model_file)
    assert {type(layer).__module__.split(".")[0] for layer in model.layers} == {"keras"}
    assert not any(layer.__class__.__name__.startswith("Random") for layer in model.layers)


def test_the_same_seed_trains_the_same(tmp_path):
    first, second = (train(task(tmp_path, seed=3), go_on) for _ in range(2))
    other = train(task(tmp_path, seed=4), go_on)
    losses = [[report.metrics["loss"] for report in outcome.history] for outcome in (first, second, other)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    assert losses[0] != pytest.approx(losses[2], rel=1e-4)


def test_a_pruned_trial_leaves_no_model_and_one_that_ends_early_does(tmp_path):
    pruned = train(task(tmp_path / "a", epochs=5), lambda report: Answer.PRUNE)
    assert (pruned.state, pruned.epochs, pruned.model) == (State.PRUNED, 1, "")
    assert not (tmp_path / "a" / "model.keras").exists()
    ended = train(task(tmp_path / "b", epochs=5), lambda report: Answer.END)
    assert (ended.state, ended.epochs, Path(ended.model).exists()) == (State.PRUNED, 1, True)


def test_a_loss_that_is_not_finite_ends_the_trial_as_failed(tmp_path):
    work = task(tmp_path, epochs=3, optimizer="sgd", learning_rate=100.0, momentum=0.99, norm="none")
    outcome = train(work, go_on)
    assert outcome.state is State.FAILED
    assert "loss is" in outcome.reason
    assert "in epoch 1" in outcome.reason
    assert not work.model_file.exists()


def test_normalisation_gives_mean_zero_and_deviation_one():
    data = task(Path()).dataset
    scale, offset = normalisation(data)
    pixels = data.images[data.train] * scale[0] + offset[0]
    assert pixels.mean() == pytest.approx(0, abs=1e-6)
    assert pixels.std() == pytest.approx(1, abs=1e-6)


def test_normalisation_of_many_large_images_is_cheap_and_true():
    """Twenty thousand photos, 12 GB of pixels, each of one colour in red and green, and of none in blue."""
    count, colours = 20_000, np.random.default_rng(0).integers(0, 256, (20_000, 1, 1, 3), np.uint8)
    colours[..., 2] = 7
    images = np.broadcast_to(colours, (count, 448, 448, 3))
    data = replace(task(Path()).dataset, images=images, train=np.arange(0, count, 2), digest="photos")
    tracemalloc.start()
    try:
        scale, offset = normalisation(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 50 << 20
    mean, deviation = -np.array(offset) / np.array(scale), 1 / np.array(scale)
    exact = colours[::2, 0, 0].astype(float)
    np.testing.assert_allclose(mean, exact.mean(axis=0), atol=15)  # of 111 of the images
    np.testing.assert_allclose(deviation, [*exact.std(axis=0)[:2], 1.0], rtol=0.15)
    assert normalisation(replace(data, images=images[:0])) is normalisation(data)  # counted once


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_leaves_a_float32_model_of_the_reported_accuracy(tmp_path, precision):
    work = replace(task(tmp_path, epochs=1), precision=precision)
    outcome = train(work, go_on)
    model = load_model(work.model_file)
    assert {layer.compute_dtype for layer in model.layers} == {"float32"}
    assert {weight.dtype for weight in model.weights} == {"float32"}
    assert saved_accuracy(work) == pytest.approx(outcome.value, abs=0.05)
    assert outcome.value > 0.2  # chance is 0.1


def test_batch_larger_than_the_data_still_trains(tmp_path):
    assert train(task(tmp_path, epochs=1, batch_size=5000), go_on).state is State.COMPLETE
