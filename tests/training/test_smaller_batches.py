"""A training that exceeds the memory is repeated with smaller batches."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipeline.study.trial import Decision, EpochReport, TrialResult, TrialState
from pipeline.training import fit
from pipeline.training.build import build_training_model
from pipeline.training.smaller_batches import is_out_of_memory, train_in_memory
from tests.training.test_fit import go_on, make_task, saved_scores


class XlaRuntimeError(RuntimeError):
    """Of the name that JAX's has."""


@pytest.mark.parametrize(
    ("error", "exceeded"),
    [
        (MemoryError(), True),
        (tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor with shape[99]"), True),
        (tf.errors.ResourceExhaustedError(None, None, "model.keras; No space left on device"), False),
        (XlaRuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 99 bytes."), True),
        (XlaRuntimeError("INVALID_ARGUMENT: shapes"), False),
        (type("OutOfMemoryError", (RuntimeError,), {})("CUDA out of memory. Tried to allocate 2 GiB"), True),
        (RuntimeError("CUDA error: device-side assert triggered"), False),
        (ValueError("no such layer"), False),
    ],
    ids=repr,
)
def test_what_exceeds_the_memory(error, exceeded):
    assert is_out_of_memory(error) is exceeded


def test_numpy_says_so_too():
    with pytest.raises(MemoryError) as caught:
        np.empty(2**55)
    assert is_out_of_memory(caught.value)


@pytest.fixture
def fitting():
    """A training that exceeds the memory with batches above a size; it notes the sizes that it was asked for."""
    asked = []

    def make(most, error=MemoryError, epochs=0):
        def train(size, report):
            asked.append(size)
            for epoch in range(epochs):
                report(EpochReport(3, epoch + 1, {}, 1.0))
            if size > most:
                raise error("too large")
            return TrialResult(3, TrialState.COMPLETE, 0.5)

        return train

    make.asked = asked
    return make


@pytest.mark.parametrize(("most", "asked", "noted"), [(64, [64], None), (32, [64, 32], 32), (20, [64, 32, 16], 16)])
def test_the_result_says_with_which_batches_it_was_trained(fitting, most, asked, noted):
    result = train_in_memory(fitting(most), 64, go_on)
    assert (fitting.asked, result.batch_size, result.score) == (asked, noted, 0.5)
    assert result.batch_note.startswith(f"batch size {noted}, ") if noted else result.batch_note == ""


def test_a_training_that_exceeds_the_memory_with_every_size_fails(fitting):
    with pytest.raises(MemoryError, match="too large"):
        train_in_memory(fitting(0), 64, go_on)
    assert fitting.asked == [64, 32, 16]


def test_a_batch_of_one_image_is_not_halved(fitting):
    with pytest.raises(MemoryError, match="too large"):
        train_in_memory(fitting(0), 1, go_on)
    assert fitting.asked == [1]


@pytest.mark.parametrize("settings", [{"error": ValueError}, {"epochs": 1}])
def test_another_error_and_one_after_an_epoch_are_raised_at_once(fitting, settings):
    with pytest.raises(settings.get("error", MemoryError)):
        train_in_memory(fitting(0, **settings), 64, go_on)
    assert fitting.asked == [64]


class Greedy(keras.layers.Layer):
    """Passes images on; in training with batches above a size it asks for more memory than any machine has."""

    def __init__(self, most):
        super().__init__()
        self.most = most

    def call(self, images, training=None):
        if not training:
            return images
        size = tf.cast(tf.shape(images)[0], tf.int64)
        needed = tf.fill([tf.where(size > self.most, size * 2**44, 1)], tf.cast(0.0, images.dtype))
        return images + tf.reduce_max(needed)


@pytest.fixture
def greedy(monkeypatch):
    """Networks of the families exceed the memory in training with batches above a size."""

    def build(most):
        def build_greedy(architecture, **settings):
            model = build_training_model(architecture, **settings)
            images = keras.Input(model.input_shape[1:], dtype="uint8")
            return keras.Model(images, model(Greedy(most)(keras.ops.cast(images, "float32"))))

        monkeypatch.setattr(fit, "build_training_model", build_greedy)

    return build


def test_a_network_is_trained_and_saved_with_batches_that_fit(tmp_path, greedy, capfd):
    greedy(20)
    task = make_task(tmp_path, epochs=1, batch_size=32)  # once too many: TensorFlow waits 10 s for memory each time
    sizes = []

    def report(made):
        sizes.append(getattr(made, "batch_size", None))
        return Decision.CONTINUE

    result = task.run(report)
    assert (result.state, result.batch_size) == (TrialState.COMPLETE, 16)
    assert sizes[-2:] == [16, None], "the view shows the size, and the epoch is reported once"
    assert saved_scores(task)["accuracy"] == pytest.approx(result.score, abs=1e-5)
    assert "out of memory with batches of 32" in capfd.readouterr().err


def test_a_network_that_fits_with_no_batch_fails_with_the_backends_error(tmp_path, greedy):
    greedy(0)
    with pytest.raises(tf.errors.ResourceExhaustedError):
        make_task(tmp_path, epochs=1, batch_size=1).run(go_on)
    assert not list(tmp_path.glob("*.keras"))
