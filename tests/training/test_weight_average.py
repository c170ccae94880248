import keras
import numpy as np
import pytest

from pipeline.training.weight_average import WeightAverage


class Seen(keras.callbacks.Callback):
    """Keeps the weight of a network of one weight: after each step, and while it is validated."""

    def __init__(self):
        super().__init__()
        self.own, self.validated = [], []

    def on_train_batch_end(self, batch, logs=None):
        self.own.append(float(self.model.get_weights()[0][0, 0]))

    def on_test_batch_end(self, batch, logs=None):
        self.validated.append(float(self.model.get_weights()[0][0, 0]))


def fit(average, steps, epochs=1):
    """Fits the network, whose weight becomes smaller at every step."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    x, y = np.ones((steps, 1), np.float32), np.full((steps, 1), -9, np.float32)
    seen = Seen()
    model.fit(x, y, batch_size=1, epochs=epochs, validation_data=(x[:1], y[:1]), callbacks=[average, seen], verbose=0)
    return seen, float(model.get_weights()[0][0, 0])


def test_the_average_is_validated_and_the_network_goes_on_with_its_own_weights():
    seen, last = fit(average := WeightAverage(1.0, 4), 4, epochs=2)
    expected, averages = seen.own[0], []
    for taken, weight in enumerate(seen.own, 1):
        expected += (weight - expected) / min(taken, 4)
        averages.append(expected)
    assert seen.validated == pytest.approx([averages[3], averages[7]], rel=1e-5)
    assert float(average.weights[0][0, 0]) == pytest.approx(averages[7], rel=1e-5)
    assert last == seen.own[-1]


def test_a_long_epoch_is_sampled():
    seen, _ = fit(average := WeightAverage(100.0, 64), 64)
    assert float(average.weights[0][0, 0]) == pytest.approx(np.mean(seen.own[3::4]), rel=1e-5)


def test_an_average_shorter_than_a_step_is_the_last_weights():
    seen, _ = fit(average := WeightAverage(0.1, 2), 2)
    assert float(average.weights[0][0, 0]) == seen.own[-1]


def test_numbers_that_count_are_not_averaged():
    average = WeightAverage(9.0, 1)
    average._take_in([np.array([1.0]), np.array([1])])
    average._take_in([np.array([2.0]), np.array([5])])
    assert [float(weights[0]) for weights in average.weights] == [1.5, 1]
