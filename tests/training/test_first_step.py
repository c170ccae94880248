import keras
import numpy as np
import pytest

from pipeline.training.first_step import create_state

IMAGES, LABELS = np.random.default_rng(0).random((8, 4), np.float32), np.arange(8) % 3


@pytest.mark.parametrize("prepared", [False, True])
def test_a_step_that_finds_its_state_is_traced_once(monkeypatch, prepared):
    """Once it is so without ``create_state`` too, that can go."""
    steps, step = [], keras.Model.train_step
    monkeypatch.setattr(keras.Model, "train_step", lambda model, data: steps.append(model) or step(model, data))
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    if prepared:
        create_state(model, LABELS[:1])
    history = model.fit(IMAGES, LABELS, shuffle=False, verbose=0).history
    assert len(steps) == (1 if prepared else 2)
    right = history["accuracy"][0] * len(LABELS)
    assert right == pytest.approx(round(right))  # else a label has been counted before


class Looks(keras.Model):
    """A model whose metrics look at the images."""

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        assert x.shape[0] == y.shape[0]
        return super().compute_metrics(x, y, y_pred, sample_weight)


def test_metrics_that_need_the_images_are_left_to_the_first_step():
    image = keras.Input((4,))
    model = Looks(image, keras.layers.Dense(2, "softmax")(image))
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    create_state(model, np.eye(2, dtype=np.float32)[:1])
    model.fit(np.zeros((2, 4), np.float32), np.eye(2, dtype=np.float32), verbose=0)
