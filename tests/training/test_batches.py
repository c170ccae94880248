import keras
import numpy as np
import pytest
import tensorflow as tf

from pipeline.recipe import Recipe
from pipeline.training.batches import EndlessBatches, ReadingBatches, TrainingBatches, feed

IMAGES = np.arange(10 * 4 * 4 * 3, dtype=np.uint8).reshape(10, 4, 4, 3)
LABELS = np.arange(10) % 2


def test_large_validation_images_come_in_small_batches():
    images = np.broadcast_to(np.uint8(0), (40, 1024, 1024, 3))
    batches = ReadingBatches(images, np.arange(40), np.zeros(40, np.int64), 2)
    assert [len(batches[position][0]) for position in range(len(batches))] == [5] * 8


def training_batches(seed=0):
    recipe = Recipe.from_params({"batch_size": 3})
    return TrainingBatches(IMAGES, LABELS, np.arange(10), 2, recipe, seed)


@pytest.mark.parametrize("class_weight", ["none", "balanced"])
def test_balanced_weights_make_every_class_weigh_the_same(class_weight):
    labels, rows = np.array([0, 1, 2, 2, 2, 2, 0, 0]), np.arange(1, 8)  # of the training images 2, 1 and 4
    recipe = Recipe.from_params({"batch_size": 7, "class_weight": class_weight, "flip": True})
    batch = TrainingBatches(IMAGES[:8], labels, rows, 3, recipe, seed=0)[0]
    if class_weight == "none":
        assert len(batch) == 2
        return
    _, one_hot, weights = batch
    assert weights.dtype == np.float32
    np.testing.assert_allclose(weights, (one_hot @ [7 / 6, 7 / 3, 7 / 12]).astype(np.float32))
    np.testing.assert_allclose(one_hot.T @ weights, 7 / 3, rtol=1e-6)


def take(batches, count):
    return [np.concatenate([part.numpy().ravel() for part in batch]) for batch in batches.take(count)]


def test_a_pass_gives_each_batch_once_and_every_pass_the_same():
    batches = feed(ReadingBatches(IMAGES, np.arange(9), LABELS, 2))
    assert batches.cardinality() == 1
    for _ in range(2):
        [(images, labels)] = list(batches)
        np.testing.assert_array_equal(images, IMAGES[:9])
        np.testing.assert_array_equal(np.argmax(labels, 1), LABELS[:9])


def test_endless_batches_give_the_epochs_in_turn_each_with_its_own_order():
    expected, batches = training_batches(), []
    for _ in range(3):
        batches += [
            np.concatenate([images.ravel(), labels.ravel()]) for images, labels in map(expected.__getitem__, range(3))
        ]
        expected.on_epoch_end()
    np.testing.assert_array_equal(take(feed(EndlessBatches(training_batches())), 9), batches)
    assert not np.array_equal(batches[:3], batches[3:6])


def test_a_fit_over_epochs_sees_each_image_of_an_epoch_once():
    seen = []

    class Seen(keras.Sequential):
        def train_step(self, data):
            tf.py_function(lambda images: seen.extend(images[:, 0, 0, 0].numpy().tolist()), [data[0]], [])
            return super().train_step(data)

    model = Seen([keras.Input(IMAGES.shape[1:]), keras.layers.Flatten(), keras.layers.Dense(2)])
    model.compile(optimizer="sgd", loss="mse")
    model.fit(feed(EndlessBatches(training_batches())), steps_per_epoch=3, epochs=4, shuffle=False, verbose=0)
    epochs = np.reshape(seen, (4, 9))
    assert all(len(set(epoch)) == 9 for epoch in epochs.tolist())
    assert not np.array_equal(epochs[0], epochs[1])


def test_no_autotuning_thread_delays_the_end_of_an_iterator():
    """Where it is on, the end of an iterator may take as long as it has lived."""
    batches = feed(EndlessBatches(training_batches()))
    assert batches.options().autotune.enabled is False


def test_an_error_while_a_batch_is_made_ends_the_training():
    class Broken(ReadingBatches):
        def __getitem__(self, position):
            if position:
                raise OSError("no such sector")
            return super().__getitem__(position)

    images = np.zeros((600, 4, 4, 3), np.uint8)
    with pytest.raises(tf.errors.UnknownError, match="no such sector"):
        list(feed(Broken(images, np.arange(600), np.zeros(600, np.int64), 2)))
