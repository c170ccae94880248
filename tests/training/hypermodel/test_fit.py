from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from pipeline import model_card
from pipeline.data import load
from pipeline.data.decode import fit
from pipeline.model_card import ModelCard
from pipeline.training.hypermodel.fit import train
from pipeline.training.hypermodel.task import Blueprint, HyperTask
from pipeline.training.save import load as load_model
from pipeline.trial import Answer, State, Trial

FILE = str(Path(__file__).with_name("models.py"))
HALVES = f"import keras\nkeras.config.set_dtype_policy('mixed_bfloat16')\n{Path(FILE).read_text()}"
SMALL = {"num_layers": 1, "units_0": 8}


def task(folder, name, epochs=1, **values):
    data = load("digits", seed=0, fetch=lambda name, folder: None)
    card = ModelCard(data.classes, data.shape, data.name, data.digest, 0, "a-study", 2)
    blueprint = Blueprint(FILE, name, data.shape, len(data.classes))
    return HyperTask(Trial(2, values, 0, epochs), data, "auto", folder / "model.keras", card, blueprint)


@pytest.mark.parametrize(
    ("name", "values", "metrics"),
    [
        ("guide", {"units_0": 32, "lr": 0.01}, {"accuracy"}),
        ("scopes", {"kind": "conv", "body/filters": 16}, set()),
        ("whole", {"lr": 0.01}, {"accuracy"}),
        ("Fits", {"units_0": 32, "lr": 0.01, "batch_size": 16}, {"accuracy"}),
    ],
)
def test_it_trains_as_it_is_compiled_and_leaves_a_model_for_raw_images(tmp_path, name, values, metrics):
    reports = []
    work = task(tmp_path, name, **values)
    outcome = train(work, lambda report: reports.append(report) or Answer.GO)
    assert (outcome.state, outcome.epochs) == (State.COMPLETE, 1)
    assert outcome.value > 0.5  # ten classes: chance is 0.1
    assert set(reports[0].metrics) == {"loss", "val_loss", "val_accuracy", "learning_rate"} | metrics
    assert reports[0].metrics["learning_rate"] == pytest.approx(0.01)
    data, model = work.dataset, load_model(work.model_file)
    images = data.images[data.validation]
    probabilities = model.predict(images, verbose=0)
    assert probabilities.sum(axis=1) == pytest.approx(1.0, abs=1e-5)
    accuracy = float((probabilities.argmax(axis=1) == data.labels[data.validation]).mean())
    assert accuracy == pytest.approx(outcome.value, abs=0.004)
    larger = images[:20].repeat(2, axis=1).repeat(2, axis=2)
    decoded = np.stack([fit(Image.fromarray(one[..., 0]), data.shape) for one in larger])
    assert np.abs(model.predict(larger, verbose=0) - model.predict(decoded, verbose=0)).max() < 0.02  # it is rounded
    assert model_card.get(work.model_file).value == outcome.value


def few(work, images):
    """The task on the first ``images`` of each split."""
    data = work.dataset
    return replace(work, dataset=replace(data, train=data.train[:images], validation=data.validation[:images]))


def test_kerastuners_own_is_trained(tmp_path):
    """The values are its smallest."""
    values = {"activation": "selu", "conv2d_num_filters": 32, "sep_num_filters": 128, "num_residual_blocks": 2}
    own = Blueprint("keras_tuner.applications", "HyperXception", (8, 8, 1), 10)
    reports = []
    work = few(replace(task(tmp_path, "", **values), blueprint=own), 64)
    outcome = train(work, lambda report: reports.append(report) or Answer.GO)
    assert outcome.state is State.COMPLETE
    assert set(reports[0].metrics) == {"loss", "accuracy", "val_loss", "val_accuracy", "learning_rate"}
    images = work.dataset.images[work.dataset.validation]
    assert load_model(work.model_file).predict(images, verbose=0).sum(axis=1) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize(
    ("name", "precision", "kept"),
    [
        ("guide", "auto", "float32"),
        ("guide", "mixed_bfloat16", "mixed_bfloat16"),
        ("halves", "auto", "mixed_bfloat16"),
    ],
)
def test_the_dtype_policy_is_its_own_unless_one_is_given(tmp_path, monkeypatch, name, precision, kept):
    monkeypatch.setattr("pipeline.training.precision.device", lambda: "gpu")  # families would train in bfloat16 there
    monkeypatch.setattr("pipeline.training.precision._capability", lambda: 9.0)
    (tmp_path / "halves.py").write_text(HALVES)
    policies = []
    work = few(replace(task(tmp_path, "guide", **SMALL), precision=precision), 16)
    if name == "halves":
        work = replace(work, blueprint=replace(work.blueprint, module=str(tmp_path / "halves.py"), attribute="guide"))
    train(work, lambda report: policies.append(keras.config.dtype_policy().name) or Answer.PRUNE)
    keras.config.set_dtype_policy("float32")  # a pruned one leaves it
    assert policies == [kept]


def test_a_training_that_nobody_heard_of_is_a_failure_with_its_reason(tmp_path):
    outcome = train(few(task(tmp_path, "Silent", **SMALL), 16), lambda report: Answer.GO)
    assert (outcome.state, outcome.value) == (State.FAILED, None)
    assert outcome.reason == "no epoch gave a validation accuracy"
    assert not (tmp_path / "model.keras").exists()


@pytest.mark.parametrize(
    ("name", "values", "answers", "state", "epochs"),
    [
        ("Twice", {}, "go prune", State.PRUNED, 2),
        ("Twice", {}, "end", State.PRUNED, 1),
        ("Twice", {}, "go go go", State.COMPLETE, 3),
        ("Longer", {}, "go go go", State.COMPLETE, 3),
        ("Longer", {"least": 1000}, "go go", State.COMPLETE, 2),  # its own early stopping
    ],
)
def test_a_fit_of_its_own_ends_when_told_to_and_at_the_trials_epochs(tmp_path, name, values, answers, state, epochs):
    given = iter(answers.split())
    work = few(task(tmp_path, name, epochs=3, **SMALL, **values), 16)
    outcome = train(work, lambda report: Answer(next(given)))
    assert (outcome.state, outcome.epochs) == (state, epochs), outcome.reason
    assert next(given, None) is None
    assert work.model_file.exists() == ("prune" not in answers)


def test_a_pruned_trial_leaves_no_model(tmp_path):
    work = task(tmp_path, "guide", epochs=3)
    outcome = train(work, lambda report: Answer.PRUNE)
    assert (outcome.state, outcome.epochs, outcome.model) == (State.PRUNED, 1, "")
    assert not work.model_file.exists()
