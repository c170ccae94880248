"""A Recipe as Keras objects: optimizer, learning-rate schedule, loss."""

from typing import Any

import keras
from keras import ops

from pipeline.recipe import Recipe

_ONE_CYCLE_RISE = 0.3
"""The share of the steps in which the rate of one cycle rises; the one of fastai and PyTorch."""
_ONE_CYCLE_START = 1 / 25
"""The share of the peak rate at which one cycle begins; the one of fastai and PyTorch."""


class Schedule(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """The learning rate at each of ``steps`` steps: a warm-up, then constant, a cosine to zero, or one cycle.

    One cycle, after Smith and Topin 2018, "Super-Convergence", is a linear rise and then a cosine to zero.
    """

    def __init__(self, recipe: Recipe, steps: int) -> None:
        self._recipe, self._steps = recipe, steps
        self._warmup = recipe.warmup
        self._floor = 0.0
        if recipe.schedule == "one_cycle":
            self._warmup = recipe.warmup or _ONE_CYCLE_RISE
            self._floor = _ONE_CYCLE_START

    def __call__(self, step: Any) -> Any:
        done = ops.cast(step, "float32") / max(self._steps, 1)
        rise = ops.minimum((done + 1 / max(self._steps, 1)) / max(self._warmup, 1e-9), 1.0)
        rest = ops.clip((done - self._warmup) / max(1 - self._warmup, 1e-9), 0.0, 1.0)
        fall = 1.0 if self._recipe.schedule == "constant" else 0.5 * (1 + ops.cos(rest * 3.14159265))
        return self._recipe.learning_rate * (self._floor + (1 - self._floor) * rise) * fall

    def get_config(self) -> dict[str, Any]:
        """Keras requires it of every schedule."""
        return {"recipe": self._recipe, "steps": self._steps}


def make_optimizer(recipe: Recipe, steps: int) -> Any:
    """Keras's optimizer over ``steps`` steps. Weight decay is decoupled and spares biases and normalisation."""
    rate = Schedule(recipe, steps)
    if recipe.optimizer == "sgd":
        optimizer = keras.optimizers.SGD(rate, recipe.momentum, nesterov=True, weight_decay=recipe.weight_decay or None)
    elif recipe.optimizer == "adamw":
        optimizer = keras.optimizers.AdamW(rate, weight_decay=recipe.weight_decay)
    else:
        optimizer = keras.optimizers.Adam(rate)
    if recipe.weight_decay > 0:
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


def make_loss(recipe: Recipe) -> Any:
    """Cross-entropy between logits and one-hot labels, smoothed as the recipe asks."""
    return keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=recipe.label_smoothing)
