"""What every training shares: its epochs are reported, its best weights kept, its model saved."""

import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import keras

from pipeline.training.memory import forgetting
from pipeline.training.precision import device
from pipeline.training.save import save
from pipeline.training.task import Training
from pipeline.trial import Answer, Ask, Outcome, Report, State

T = TypeVar("T", bound=Training)


def trained(task: T, ask: Ask, fit: Callable[[T, "Epochs"], None], served: Callable[[T, list[Any]], Any]) -> Outcome:
    """Runs ``fit`` with the callback that asks, and saves what ``served`` makes of the best epoch's weights.

    The value is the best validation accuracy of the epochs. A loss that is not finite ends the trial as failed, and so
    does it to have no value; a pruned one leaves no model.
    """
    began = time.monotonic()
    with forgetting():
        fit(task, epochs := Epochs(task.trial.number, ask, began))
        outcome = replace(epochs.outcome(task.trial.epochs), device=device())
        if outcome.state is not State.FAILED and epochs.answer is not Answer.PRUNE:
            outcome = replace(outcome, model=str(task.model_file))
            keras.config.set_dtype_policy("float32")  # whatever it was trained with, it must run anywhere
            save(served(task, epochs.best_weights), task.model_file, replace(task.card, value=outcome.value))
    return replace(outcome, seconds=time.monotonic() - began)


class Epochs(keras.callbacks.Callback):  # type: ignore[misc]
    """Reports every epoch, keeps the best weights, and stops when told to or when the loss is not finite."""

    def __init__(self, number: int, ask: Ask, began: float) -> None:
        super().__init__()
        self._number, self._ask, self._began = number, ask, began
        self._history: list[Report] = []
        self._best = -math.inf
        self._fault = ""
        self.answer = Answer.GO
        self.best_weights: list[Any] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Called by Keras with its mean metrics; a model that is fitted again goes on counting its epochs."""
        number = len(self._history) + 1
        metrics = {name: float(value) for name, value in (logs or {}).items()}
        metrics["learning_rate"] = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        if not (math.isfinite(metrics["loss"]) and math.isfinite(metrics["val_loss"])):
            self._fault = f"loss is {metrics['loss']:g}, val_loss {metrics['val_loss']:g} in epoch {number}"
            self.model.stop_training = True
            return
        report = Report(self._number, number, metrics, time.monotonic() - self._began)
        self._history.append(report)
        if metrics["val_accuracy"] > self._best:
            self._best = metrics["val_accuracy"]
            self.best_weights = self.model.get_weights()
        self.answer = self._ask(report)
        self.model.stop_training = self.answer is not Answer.GO

    def outcome(self, epochs: int) -> Outcome:
        """What came of the trial that was to run ``epochs`` epochs."""
        state, reason = State.COMPLETE, self._fault
        if self._fault:
            state = State.FAILED
        elif self._best == -math.inf:
            state, reason = State.FAILED, "no epoch gave a validation accuracy"
        elif len(self._history) < epochs and self.answer is not Answer.GO:
            state, reason = State.PRUNED, f"stopped after epoch {len(self._history)} of {epochs}"
        value = None if self._best == -math.inf else self._best
        return Outcome(self._number, state, value, len(self._history), reason=reason, history=tuple(self._history))
