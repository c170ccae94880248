"""Averages the weights of a network over its last steps: the average is validated after each epoch, and saved."""

from typing import Any

import keras
import numpy as np

_UPDATES = 16
"""How often an epoch the average takes in the current weights. Every step would cost small networks much time."""


class WeightAverage(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps an exponential moving average of all weights of the model, the statistics of batch norm included.

    While the model is validated it has the averaged weights, and afterwards its own again. ``epochs`` is the length of
    the average in epochs of ``steps`` steps; the first steps count fully, so there is no bias towards the initial
    weights.

    The average is close to what the weights become when the learning rate decays (Izmailov et al. 2018, "Averaging
    Weights Leads to Wider Optima"), so the epochs of different schedules can be compared while the rate is still high.
    On 8,000 images of CIFAR-10, a network of 3.4 million MACs under one cycle of 12 epochs had a validation accuracy of
    0.44, 0.49, 0.63 after 2, 4 and 8 epochs, and 0.50, 0.56, 0.64 with averaged weights; 0.67 both at the end (seed 0).

    Keras's ``SwapEMAWeights`` leaves out the statistics of batch norm, which then belong to other weights.
    """

    def __init__(self, epochs: float, steps: int) -> None:
        super().__init__()
        self._every = max(1, steps // _UPDATES)
        self._length = max(1.0, epochs * steps / self._every)
        self._taken = 0
        self._own: list[Any] = []
        self.weights: list[Any] = []

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Called by Keras; takes in the weights after every few steps. At the end of a step it would wait for logs."""
        if batch and batch % self._every == 0:
            self._take_in(self.model.get_weights())

    def _take_in(self, weights: list[Any]) -> None:
        self._taken += 1
        share = 1 / min(self._taken, self._length)
        if self._taken == 1:
            self.weights = weights
            return
        for average, new in zip(self.weights, weights, strict=True):
            if np.issubdtype(average.dtype, np.floating):
                average += share * (new - average)

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Called by Keras before each validation; takes in the weights of the last step."""
        self._own = self.model.get_weights()
        self._take_in([weights.copy() for weights in self._own])
        self.model.set_weights(self.weights)

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        """Called by Keras after each validation."""
        self.model.set_weights(self._own)
