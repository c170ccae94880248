"""The metrics of each epoch, held against Keras's own evaluation of an equal model; under JAX too."""

import math
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import pytest
from keras import layers, losses

from pipeline.architecture import FAMILIES
from pipeline.metrics import METRICS, compute_metrics
from pipeline.recipe import Recipe
from pipeline.training.build import build_training_model
from pipeline.training.evaluation import log_all_metrics
from pipeline.training.first_step import create_state
from pipeline.training.keras_model import to_array
from pipeline.training.optimizer import make_loss, make_optimizer

CLASSES, COUNT, BATCH = 7, 300, 100  # a last batch of another size would be traced, or compiled, for itself
RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (COUNT, 6, 6, 1), np.uint8)
LABELS = (IMAGES.mean(axis=(1, 2, 3)) * 3).astype(np.int64) % CLASSES
ONE_HOT = np.eye(CLASSES, dtype=np.float32)[LABELS]


class Batches(keras.utils.PyDataset):
    """Batches of unequal sizes, which must not matter."""

    def __init__(self, labels):
        super().__init__()
        self.labels = labels

    def __len__(self):
        return -(-COUNT // 128)

    def __getitem__(self, position):
        rows = slice(position * 128, (position + 1) * 128)
        return IMAGES[rows], self.labels[rows]


@pytest.fixture(autouse=True)
def _fresh():
    keras.utils.set_random_seed(0)
    yield
    keras.config.set_dtype_policy("float32")


class LargestOutput(keras.metrics.Mean):
    """A metric of somebody's own."""

    def update_state(self, y_true, y_pred, sample_weight=None):
        return super().update_state(keras.ops.max(y_pred, axis=-1))


def make_model(end="softmax", dtype=None, classes=CLASSES, **settings):
    image = keras.Input((6, 6, 1), dtype="uint8")
    x = layers.Flatten()(layers.Rescaling(1 / 255)(image))
    x = layers.BatchNormalization()(layers.Dense(16, "relu", **settings)(x))
    return keras.Model(image, layers.Dense(classes, end, dtype=dtype)(layers.Dropout(0.2)(x)))


def family_model():
    architecture = FAMILIES["plain"].build({"blocks": 1, "filters": 4, "dropout": 0.2}, (6, 6, 1), CLASSES)
    return build_training_model(architecture, scale=[1 / 64], offset=[-2.0])


def cross_entropy(kind=losses.CategoricalCrossentropy, **settings):
    return lambda: {"optimizer": "adam", "loss": kind(**settings), "metrics": ["accuracy"]}


def family_settings():
    recipe = Recipe.from_params({"label_smoothing": 0.1})
    return {"optimizer": make_optimizer(recipe, 10), "loss": make_loss(recipe), "metrics": ["accuracy"]}


def own_metrics():
    return {"optimizer": "sgd", "loss": "mse", "metrics": [LargestOutput("largest"), keras.metrics.F1Score()]}


SPARSE = losses.SparseCategoricalCrossentropy
L2 = keras.regularizers.L2(0.01)
REGULARISERS = ("kernel_regularizer", "bias_regularizer", "activity_regularizer")
MODELS = {
    "a family": (family_model, family_settings, ONE_HOT),
    "one-hot, softmax": (make_model, cross_entropy(), ONE_HOT),
    "one-hot, logits": (lambda: make_model(None), cross_entropy(from_logits=True), ONE_HOT),
    "sparse, softmax": (make_model, cross_entropy(SPARSE), LABELS),
    "sparse, logits": (lambda: make_model(None), cross_entropy(SPARSE, from_logits=True), LABELS),
    "regularised": (lambda: make_model(**dict.fromkeys(REGULARISERS, L2)), cross_entropy(), ONE_HOT),
    "a loss that is a sum": (make_model, cross_entropy(reduction="sum"), ONE_HOT),
    "confident": (
        lambda: make_model(kernel_initializer=keras.initializers.RandomNormal(0, 9)),
        cross_entropy(),
        ONE_HOT,
    ),
    "own metrics": (make_model, own_metrics, ONE_HOT),
}


class Compare(keras.callbacks.Callback):
    """Holds the values of each epoch against a model that was compiled alike and has the same weights."""

    def __init__(self, reference, labels, **tolerance):
        super().__init__()
        self.reference, self.labels, self.tolerance = reference, labels, tolerance
        self.epochs = []

    def on_test_batch_end(self, batch, logs=None):
        assert "outputs" not in logs

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append(dict(logs))
        self.reference.set_weights(self.model.get_weights())
        expected = self.reference.evaluate(Batches(self.labels), return_dict=True, verbose=0)
        for name, value in expected.items():
            np.testing.assert_allclose(logs[f"val_{name}"], value, **self.tolerance, err_msg=name)


def fit(make, settings, labels, rtol=1e-5, atol=1e-6, validation_data=None, **more):
    model, reference = make(), make()
    model.compile(**settings(), **more)
    # tracing would take longer under TensorFlow, and under JAX each operation by itself
    reference.compile(**settings(), run_eagerly=keras.backend.backend() == "tensorflow")
    create_state(model, labels[:1])
    validation = Batches(labels)
    log_all_metrics(model, validation, LABELS)
    compare = Compare(reference, labels, rtol=rtol, atol=atol)
    settings = {"validation_data": validation_data or validation, "callbacks": [compare], "verbose": 0}
    model.fit(IMAGES, labels, batch_size=BATCH, epochs=2, **settings)
    return model, compare.epochs


@pytest.mark.parametrize("name", [name for name in MODELS if name != "a family"])
def test_each_epoch_has_what_keras_evaluates_and_all_metrics_of_the_models_probabilities(name):
    model, epochs = fit(*MODELS[name])
    assert_whole(epochs)
    outputs = to_array(model.predict(IMAGES, verbose=0))
    probabilities = to_array(keras.ops.softmax(outputs)) if "logits" in name else outputs
    for metric, score in compute_metrics(LABELS, probabilities).items():
        assert epochs[-1][f"val_{metric}"] == pytest.approx(score, abs=1e-5), metric


def assert_whole(epochs):
    assert len(epochs) == 2
    for logs in epochs:
        assert {metric.logged_as for metric in METRICS.values()} < set(logs)
        assert all(math.isfinite(np.mean(value)) for value in logs.values())


@pytest.mark.parametrize(
    ("name", "policy"),
    [("a family", "mixed_float16"), ("sparse, softmax", "mixed_float16"), ("sparse, softmax", "mixed_bfloat16")],
)
def test_they_are_so_in_mixed_precision_too(name, policy):
    keras.config.set_dtype_policy(policy)
    _, epochs = fit(*MODELS[name], rtol=1e-3, atol=0.01)  # another order of sums may flip an image
    assert epochs[-1]["val_log_loss"] < 3  # chance is 1.95


def test_a_fit_that_is_given_other_images_is_validated_on_the_same():
    """``Compare`` fails otherwise."""
    make, settings, labels = MODELS["one-hot, softmax"]
    fit(make, settings, labels, validation_data=(IMAGES[:10] * 0, labels[:10]))


@pytest.mark.parametrize("setting", [{"steps_per_execution": 2}, {"jit_compile": True}, {"run_eagerly": True}], ids=str)
def test_however_it_is_compiled(setting):
    fit(*MODELS["one-hot, softmax"], **setting)


def test_outputs_that_are_not_finite_give_nan():
    model = make_model(None)
    model.layers[-1].bias.assign([math.nan] * CLASSES)
    model.compile("sgd", losses.CategoricalCrossentropy(from_logits=True))
    log_all_metrics(model, Batches(ONE_HOT), LABELS)
    history = model.fit(IMAGES, ONE_HOT, validation_data=Batches(ONE_HOT), verbose=0).history
    assert all(math.isnan(history[metric.logged_as][0]) for metric in METRICS.values())
    assert math.isnan(history["val_loss"][0])


def test_a_family_is_evaluated_so_and_any_other_evaluation_is_as_without():
    """All of it on one model, since ``test_under_jax`` does this too, and JAX takes seconds to compile one."""
    model, epochs = fit(*MODELS["a family"])
    assert_whole(epochs)
    assert set(model.evaluate(IMAGES, ONE_HOT, BATCH, return_dict=True, verbose=0)) == {"loss", "accuracy"}
    assert len(model.evaluate(IMAGES, ONE_HOT, BATCH, verbose=0)) == 2


def test_metrics_that_need_more_classes_are_left_out():
    model = make_model(classes=3)
    model.compile("sgd", "sparse_categorical_crossentropy")
    labels = LABELS % 3
    log_all_metrics(model, Batches(labels), labels)
    logs = model.fit(IMAGES, labels, validation_data=Batches(labels), verbose=0).history
    assert "val_roc_auc" in logs
    assert "val_top5_accuracy" not in logs
