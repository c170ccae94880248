import inspect
import math
from dataclasses import replace
from functools import wraps
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from pipeline.data import load
from pipeline.data.decode import fit_image
from pipeline.errors import WorkerError
from pipeline.hypermodel.source import HyperModelSource
from pipeline.hypermodel.task import HyperModelTask
from pipeline.metrics import ACCURACY, METRICS, compute_metrics
from pipeline.study.model_metadata import ModelMetadata, read_metadata
from pipeline.study.trial import Decision, Trial, TrialState
from pipeline.training.batches import TrainingBatches
from pipeline.training.class_weights import balanced_weights
from pipeline.training.inputs import TrainingInputs
from pipeline.training.save import load as load_model
from tests.fakes import at_epochs

FILE = str(Path(__file__).with_name("models.py"))
HALVES = f"import keras\nkeras.config.set_dtype_policy('mixed_bfloat16')\n{Path(FILE).read_text()}"
SMALL = {"num_layers": 1, "units_0": 8}
LOGGED = {"loss", "val_loss", "epoch_learning_rate"} | {metric.logged_as for metric in METRICS.values()}


def make_task(folder, name, epochs=1, metric=ACCURACY, precision="auto", **params):
    data = load("digits", seed=0, fetch=lambda name, folder: None)
    metadata = ModelMetadata(data.classes, data.shape, data.name, data.digest, 0, "a-study", 2)
    source = HyperModelSource(FILE, name, data.shape, len(data.classes))
    trial = Trial(2, params, 0, epochs)
    return HyperModelTask(TrainingInputs(trial, data, metric, precision, folder / "model.keras", metadata), source)


def go_on(report):
    return Decision.CONTINUE


@pytest.mark.parametrize(
    ("name", "params", "own"),
    [
        ("guide", {"units_0": 32, "lr": 0.01}, {"accuracy"}),
        ("scopes", {"kind": "conv", "body/filters": 16}, set()),
        ("whole", {"lr": 0.01}, {"accuracy"}),
        ("Fits", {"units_0": 32, "lr": 0.01, "batch_size": 16}, {"accuracy"}),
        ("own_metrics", {"lr": 0.01}, {"hits", "val_hits", "f1_score", "val_f1_score"}),
    ],
)
def test_it_trains_as_it_is_compiled_and_leaves_a_model_for_raw_images(tmp_path, monkeypatch, name, params, own):
    steps, step = [], keras.Model.train_step
    monkeypatch.setattr(keras.Model, "train_step", lambda model, data: steps.append(model) or step(model, data))
    task = make_task(tmp_path, name, **params)
    result = task.run(go_on)
    assert len(steps) == 1  # it is traced once
    assert (result.state, result.epochs) == (TrialState.COMPLETE, 1)
    assert result.score > 0.5  # ten classes: chance is 0.1
    metrics = result.history[0].metrics
    assert set(metrics) == LOGGED | own
    assert metrics["epoch_learning_rate"] == pytest.approx(0.01)
    data, model = task.inputs.dataset, load_model(task.inputs.model_file)
    images = data.images[data.validation]
    probabilities = model.predict(images, verbose=0)
    assert probabilities.sum(axis=1) == pytest.approx(1.0, abs=1e-5)
    scores = compute_metrics(data.labels[data.validation], probabilities)
    assert scores["accuracy"] == pytest.approx(result.score, abs=0.004)
    assert scores["log_loss"] == pytest.approx(metrics["val_log_loss"], abs=1e-3)
    larger = images[:20].repeat(2, axis=1).repeat(2, axis=2)
    decoded = np.stack([fit_image(Image.fromarray(image[..., 0]), data.shape) for image in larger])
    assert np.abs(model.predict(larger, verbose=0) - model.predict(decoded, verbose=0)).max() < 0.02  # it is rounded
    metadata = read_metadata(task.inputs.model_file)
    assert (metadata.metric, metadata.score) == ("accuracy", result.score)


def with_few_images(task, images):
    """The task on the first ``images`` of each split."""
    data = task.inputs.dataset
    data = replace(data, train=data.train[:images], validation=data.validation[:images])
    return replace(task, inputs=replace(task.inputs, dataset=data))


def test_kerastuners_own_is_trained(tmp_path):
    """The params are its smallest."""
    params = {"activation": "selu", "conv2d_num_filters": 32, "sep_num_filters": 128, "num_residual_blocks": 2}
    own = HyperModelSource("keras_tuner.applications", "HyperXception", (8, 8, 1), 10)
    task = with_few_images(replace(make_task(tmp_path, "", **params), source=own), 64)
    result = task.run(go_on)
    assert result.state is TrialState.COMPLETE
    assert set(result.history[0].metrics) == LOGGED | {"accuracy"}
    images = task.inputs.dataset.images[task.inputs.dataset.validation]
    probabilities = load_model(task.inputs.model_file).predict(images, verbose=0)
    assert probabilities.sum(axis=1) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize(
    ("name", "precision", "kept"),
    [
        ("guide", "auto", "float32"),
        ("guide", "mixed_bfloat16", "mixed_bfloat16"),
        ("halves", "auto", "mixed_bfloat16"),
    ],
)
def test_the_dtype_policy_is_its_own_unless_one_is_given(tmp_path, monkeypatch, name, precision, kept):
    # families would train in bfloat16 on such a device
    monkeypatch.setattr("pipeline.training.precision.detect_device", lambda: "gpu")
    monkeypatch.setattr("pipeline.training.precision._compute_capability", lambda: 9.0)
    (tmp_path / "halves.py").write_text(HALVES)
    policies = []
    task = with_few_images(make_task(tmp_path, "guide", precision=precision, **SMALL), 16)
    if name == "halves":
        task = replace(task, source=replace(task.source, module=str(tmp_path / "halves.py"), attribute="guide"))
    task.run(at_epochs(lambda report: policies.append(keras.config.dtype_policy().name) or Decision.PRUNE))
    keras.config.set_dtype_policy("float32")  # a pruned one leaves it
    assert policies == [kept]


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_probabilities_of_16_bits_are_recognised(tmp_path, precision):
    """Their sums are up to 0.0054 away from 1. A second softmax would give a log loss near that of chance, 2.3."""
    task = make_task(tmp_path, "guide", 3, METRICS["log_loss"], precision, units_0=32, lr=0.01)
    result = task.run(go_on)
    assert result.score < 0.6
    assert result.history[-1].metrics["val_log_loss"] == pytest.approx(result.history[-1].metrics["val_loss"], abs=0.05)


def test_a_fit_that_trains_nothing_is_a_failure_with_its_reason(tmp_path):
    with pytest.raises(WorkerError, match="ended without training the model that it was given"):
        with_few_images(make_task(tmp_path, "Silent", **SMALL), 16).run(go_on)
    assert not (tmp_path / "model.keras").exists()


@pytest.mark.parametrize(
    ("name", "params", "decisions", "state", "epochs"),
    [
        ("Twice", {}, "continue prune", TrialState.PRUNED, 2),
        ("Twice", {}, "stop", TrialState.INTERRUPTED, 1),
        ("Twice", {}, "continue continue continue", TrialState.COMPLETE, 3),
        ("Deaf", {}, "continue continue", TrialState.COMPLETE, 2),
        ("WarmsUp", {}, "continue continue continue", TrialState.COMPLETE, 3),
        ("OwnEpochs", {"long": 9}, "continue continue continue", TrialState.COMPLETE, 3),
        ("Longer", {}, "continue continue continue", TrialState.COMPLETE, 3),
        ("Longer", {"least": 1000}, "continue continue", TrialState.COMPLETE, 2),  # its own early stopping
    ],
)
def test_a_fit_of_its_own_ends_when_told_to_and_at_the_trials_epochs(
    tmp_path, monkeypatch, name, params, decisions, state, epochs
):
    slow = name == "WarmsUp"  # a training that saves its model as it goes
    monkeypatch.setattr("pipeline.training.reporting_callback._SLOW", 0.0 if slow else math.inf)
    given, saved = iter(decisions.split()), []
    task = with_few_images(make_task(tmp_path, name, epochs=3, **SMALL, **params), 16)
    result = task.run(at_epochs(lambda report: saved.append(report.model) or Decision(next(given))))
    assert set(saved) == {str(task.inputs.model_file) if slow else ""}
    assert (result.state, result.epochs) == (state, epochs), result.reason
    assert next(given, None) is None
    assert task.inputs.model_file.exists() == ("prune" not in decisions)


@pytest.mark.parametrize("monitor", ["val_loss", "val_hits", "val_f1_macro"])
def test_callbacks_of_its_own_see_all_metrics_of_the_validation(tmp_path, monitor):
    task = make_task(tmp_path, "Patient", epochs=6, lr=0.01, monitor=monitor)
    result = task.run(go_on)
    assert (result.state, result.epochs) == (TrialState.COMPLETE, 2)  # nothing can improve by 1000


def test_its_trials_are_scored_on_the_studys_images_whatever_it_validates_on(tmp_path):
    task = make_task(tmp_path, "Elsewhere", units_0=32, lr=0.01)
    result = task.run(go_on)
    data = task.inputs.dataset
    probabilities = load_model(task.inputs.model_file).predict(data.images[data.validation], verbose=0)
    scores = compute_metrics(data.labels[data.validation], probabilities)
    assert scores["accuracy"] == pytest.approx(result.score, abs=0.004)


@pytest.mark.parametrize(("name", "given"), [("guide", "weights of images"), ("Fits", "class_weight")])
def test_classes_are_weighed_if_the_source_asks_for_it(tmp_path, monkeypatch, name, given):
    fits, fit = [], keras.Model.fit

    @wraps(fit)
    def noted(*args, **kwargs):
        fits.append(inspect.signature(fit).bind(*args, **kwargs).arguments)
        return fit(*args, **kwargs)

    monkeypatch.setattr(keras.Model, "fit", noted)
    task = make_task(tmp_path, name, **SMALL)
    weights = balanced_weights(task.inputs.dataset.labels[task.inputs.dataset.train], 10)
    for source in task.source, replace(task.source, class_weight="balanced"):
        assert replace(task, source=source).run(go_on).state is TrialState.COMPLETE
    plain, weighed = fits
    if given == "class_weight":
        assert plain.get("class_weight") is None
        assert weighed["class_weight"] == pytest.approx(dict(enumerate(weights.tolist())))
    else:
        assert [len(arguments["x"].element_spec) for arguments in fits] == [2, 3]
        _, labels, of_images = next(iter(weighed["x"]))
        assert of_images.numpy() == pytest.approx(weights[labels.numpy()], rel=1e-6)


def test_a_pruned_trial_leaves_no_model(tmp_path):
    task = make_task(tmp_path, "guide", epochs=3)
    result = task.run(lambda report: Decision.PRUNE)
    assert (result.state, result.epochs, result.model) == (TrialState.PRUNED, 1, "")
    assert not task.inputs.model_file.exists()


@pytest.mark.parametrize(
    ("name", "params", "sizes"), [("guide", {"units_0": 8}, [32, 16]), ("whole", {"batch_size": 100}, [100, 50, 25])]
)
def test_a_model_that_exceeds_the_memory_is_trained_with_smaller_batches(tmp_path, monkeypatch, name, params, sizes):
    asked = []

    class Batches(TrainingBatches):
        def __init__(self, *given):
            asked.append(given[4].batch_size)
            if given[4].batch_size > 30:
                raise MemoryError("too large")
            super().__init__(*given)

    monkeypatch.setattr("pipeline.hypermodel.fit.TrainingBatches", Batches)
    result = make_task(tmp_path, name, lr=0.01, **params).run(go_on)
    assert (asked, result.state, result.batch_size) == (sizes, TrialState.COMPLETE, sizes[-1])
