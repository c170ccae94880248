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
from pipeline.trial import Answer, Ask, Outcome, Report, State, Trial

T = TypeVar("T", bound=Training)


def trained(task: T, ask: Ask, fit: Callable[[T, "Epochs"], None], served: Callable[[T, list[Any]], Any]) -> Outcome:
    """Runs ``fit`` with the callback that asks, and saves what ``served`` makes of the best epoch's weights.

    The value is the best validation accuracy of the epochs. A loss that is not finite ends the trial as failed, and so
    does it to have no value; a pruned one leaves no model.
    """
    began = time.monotonic()
    with forgetting():
        fit(task, epochs := Epochs(task.trial, ask, began))
        outcome = replace(epochs.outcome(), device=device())
        if outcome.state is not State.FAILED and epochs.answer is not Answer.PRUNE:
            outcome = replace(outcome, model=str(task.model_file))
            keras.config.set_dtype_policy("float32")  # whatever it was trained with, it must run anywhere
            save(served(task, epochs.best_weights), task.model_file, replace(task.card, value=outcome.value))
    return replace(outcome, seconds=time.monotonic() - began)


class Epochs(keras.callbacks.Callback):  # type: ignore[misc]
    """Reports every epoch, keeps the best weights, and stops when told to or when the loss is not finite.

    A model may be fitted several times: its epochs are counted on, to those of the trial, and what has ended the
    trial ends every further ``fit`` after its first batch.
    """

    def __init__(self, trial: Trial, ask: Ask, began: float) -> None:
        super().__init__()
        self._trial, self._ask, self._began = trial, ask, began
        self._history: list[Report] = []
        self._best = -math.inf
        self._fault = ""
        self._ended = False
        self.answer = Answer.GO
        self.best_weights: list[Any] = []

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Called by Keras, which has just forgotten that an earlier ``fit`` was stopped."""
        if self._ended:
            self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Called by Keras with its mean metrics."""
        if self._ended:
            return
        number = len(self._history) + 1
        metrics = {name: float(value) for name, value in (logs or {}).items()}
        metrics["learning_rate"] = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        if not (math.isfinite(metrics["loss"]) and math.isfinite(metrics["val_loss"])):
            self._fault = f"loss is {metrics['loss']:g}, val_loss {metrics['val_loss']:g} in epoch {number}"
            self.model.stop_training = self._ended = True
            return
        report = Report(self._trial.number, number, metrics, time.monotonic() - self._began)
        self._history.append(report)
        if metrics["val_accuracy"] > self._best:
            self._best = metrics["val_accuracy"]
            self.best_weights = self.model.get_weights()
        self.answer = self._ask(report)
        self._ended = self.answer is not Answer.GO or number >= self._trial.epochs
        if self._ended:  # else another callback may have stopped it
            self.model.stop_training = True

    def outcome(self) -> Outcome:
        """What came of the trial."""
        state, reason, number, done = State.COMPLETE, self._fault, self._trial.number, len(self._history)
        if self._fault:
            state = State.FAILED
        elif self._best == -math.inf:
            state, reason = State.FAILED, "no epoch gave a validation accuracy"
        elif done < self._trial.epochs and self.answer is not Answer.GO:
            state, reason = State.PRUNED, f"stopped after epoch {done} of {self._trial.epochs}"
        value = None if self._best == -math.inf else self._best
        return Outcome(number, state, value, done, reason=reason, history=tuple(self._history))
