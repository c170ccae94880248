"""The part that all trainings share: it reports every epoch, keeps the best weights, and saves their model."""

import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import keras
import numpy as np

from pipeline.errors import WorkerError
from pipeline.metrics import Metric
from pipeline.study.trial import (
    EPOCH_LEARNING_RATE,
    BatchReport,
    Decision,
    Ending,
    EpochReport,
    Fault,
    ReportCallback,
    Trial,
    TrialResult,
    TrialState,
    ending,
)
from pipeline.training.inputs import TrainingInputs
from pipeline.training.precision import detect_device
from pipeline.training.save import save
from pipeline.training.weight_average import WeightAverage

Weights = list[Any]
"""The arrays of ``keras.Model.get_weights``."""

_REPORT_EVERY = 0.5
"""Seconds between reports from within an epoch. A callback without logs does not wait for the GPU."""

_SLOW = 2.0
"""Seconds per batch from which a training may not answer in time that it is to stop: it saves its model as it goes.
That takes 1 or 2 s, less than such a batch."""


class TrainingStopped(BaseException):
    """Unwinds a training that was told to end, with all that a HyperModel's own ``fit`` would still do.

    No ``except Exception`` catches it.
    """


class ReportingCallback(keras.callbacks.Callback):  # type: ignore[misc]
    """Reports every epoch, keeps the weights of the best one, and ends the training when it is told to.

    It reports twice a second within an epoch too, while training and while validating. If it is told to prune or to
    stop, it raises ``TrainingStopped``, then and at each batch that may come after all. ``batch_size`` is that
    of the ``fit`` that comes next (None: unknown), and only reported. ``average`` has the weights that are validated
    (None: the model's own). ``save_model``, set before the training begins, saves the model with the ``best_weights``
    and returns its path. It is called at the end, and after each better epoch if batches take seconds: a study whose
    time is up does not wait for such a batch. It must be a function: KerasTuner makes deep copies of callbacks, which
    end at functions.

    The best epoch is the one with the best score by ``metric``. A loss that is not finite ends the training too. A
    model may be fitted several times: its epochs are numbered on, up to those of the trial, and whatever has ended the
    training ends every further ``fit`` at its first batch.
    """

    def __init__(
        self,
        trial: Trial,
        metric: Metric,
        report: ReportCallback,
        batch_size: int | None = None,
        average: WeightAverage | None = None,
    ) -> None:
        super().__init__()
        self._average = average
        self._trial, self._metric, self._report = trial, metric, report
        self.batch_size = batch_size
        self._began = time.monotonic()
        self._reported = -math.inf
        self._first_batch = (0, 0.0)
        self._speed: float | None = None
        self._history: list[EpochReport] = []
        self._lost: str | None = None
        self._decision = Decision.CONTINUE
        self._ended = False
        self._epoch_began = 0.0
        self._saved = ""
        self.save_model: Callable[[], str] = lambda: ""
        self.score: float | None = None
        self.best_weights: Weights = []

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Called by Keras, which has just reset ``stop_training``."""
        if self._ended:
            self.model.stop_training = True

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Called by Keras with the number of finished batches."""
        now = time.monotonic()
        if batch == 0:
            self._first_batch = (0, 0.0)
        elif self._first_batch[0] == 0:  # the first batch of a model takes longest, as the backend compiles
            self._first_batch = (batch, now)
        self._report_batch(batch, now)

    def on_test_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Called by Keras while it predicts the validation images."""
        self._report_batch(self.params.get("steps") or 0, time.monotonic(), validating=True)

    def _report_batch(self, batch: int, now: float, validating: bool = False) -> None:
        self._unwind_if_told()
        if self._ended or now - self._reported < _REPORT_EVERY:
            return
        self._reported = now
        first, since = self._first_batch
        if 0 < first < batch and not validating:
            self._speed = (batch - first) / (now - since)
        decision = self._report(
            BatchReport(
                self._trial.number,
                batch,
                self.params.get("steps"),
                len(self._history) + 1,
                now - self._began,
                self._speed,
                self.batch_size,
                validating,
            )
        )
        if decision is Decision.STOP:
            self._decision, self._ended = decision, True
        self._unwind_if_told()

    def _unwind_if_told(self) -> None:
        if self._decision is not Decision.CONTINUE:
            raise TrainingStopped

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Called by Keras with the metrics of the epoch."""
        if self._ended:
            return
        metrics = self._numbers(logs or {})
        loss, val_loss = metrics["loss"], metrics["val_loss"]
        if math.isfinite(loss) and math.isfinite(val_loss):
            self._finish_epoch(metrics)
        else:
            self._lost = f"loss is {loss:g}, val_loss {val_loss:g} in epoch {len(self._history) + 1}"
            self._ended = True
        self._unwind_if_told()
        if self._ended:  # otherwise another callback may have stopped it
            self.model.stop_training = True

    def _numbers(self, logs: dict[str, Any]) -> dict[str, float]:
        """One number per metric: some metrics of Keras have one value per class, whose mean is taken."""
        if not {"val_loss", self._metric.logged_as} <= logs.keys():
            raise WorkerError(
                f"an epoch ended without {self._metric.logged_as}, by which trials are scored; a fit() of your own must"
                " fit the model that it is given, and pass on validation_data"
            )
        rate = keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)
        return {name: float(np.mean(value)) for name, value in logs.items()} | {EPOCH_LEARNING_RATE: float(rate)}

    def _finish_epoch(self, metrics: dict[str, float]) -> None:
        number, seconds = len(self._history) + 1, time.monotonic() - self._began
        score = metrics[self._metric.logged_as]
        if self._metric.better(score, than=self.score):
            self.score = score
            self.best_weights = self._validated_weights()
            is_slow = seconds - self._epoch_began > _SLOW * (self.params.get("steps") or 1)
            self._saved = self.save_model() if is_slow and self._beats_earlier else ""
        self._history.append(EpochReport(self._trial.number, number, metrics, seconds, self._saved))
        decision = self._report(self._history[-1])
        self._epoch_began = time.monotonic() - self._began
        if number < self._trial.epochs:  # after the last epoch there is nothing left to decide
            self._decision = decision
        self._ended = number >= self._trial.epochs or decision is not Decision.CONTINUE

    def _validated_weights(self) -> Weights:
        if self._average is None:
            return self.model.get_weights()  # type: ignore[no-any-return]
        return [weights.copy() for weights in self._average.weights]

    @property
    def ended(self) -> bool:
        """Whether the training is over, so that a further ``fit`` would train for nothing."""
        return self._ended

    @property
    def keeps_model(self) -> bool:
        """Whether the trial keeps the model of its best epoch if the training is over now."""
        return self._ending().keeps_model

    def result(self) -> TrialResult:
        """The result of the trial, whose model is saved if it is kept."""
        keeps = self.keeps_model and self._beats_earlier
        if keeps:
            self._saved = self._saved or self.save_model()
        return TrialResult(
            self._trial.number,
            self._ending().state,
            self.score,
            epochs=len(self._history),
            seconds=time.monotonic() - self._began,
            reason=self._reason(),
            device=detect_device(),
            model=self._saved if keeps else "",
            decision=self._decision,
            fault=self._fault(),
            history=tuple(self._history),
        )

    @property
    def _beats_earlier(self) -> bool:
        """Whether the score is better than that of the model left by an earlier run of the trial, if there is one."""
        return self.score is not None and self._metric.better(self.score, than=self._trial.earlier_score)

    def _ending(self) -> Ending:
        return ending(self._decision, len(self._history), self._fault())

    def _fault(self) -> Fault:
        """A loss that was not finite, or no finite score in any of its epochs."""
        lost = self._lost is not None or (bool(self._history) and self.score is None)
        return Fault.ERROR if lost else Fault.NONE

    def _reason(self) -> str:
        """What went wrong. Why a trial was told to end, the study knows."""
        if self._lost is not None:
            return self._lost
        failed = self._ending().state is TrialState.FAILED
        return f"no epoch gave a finite {self._metric.logged_as}" if failed else ""


def save_best_model(model: Any, callback: ReportingCallback, inputs: TrainingInputs) -> str:
    """Saves the model that users get, which has the best weights so far; returns its path."""
    save(model, inputs.model_file, replace(inputs.metadata, metric=inputs.metric.name, score=callback.score))
    return str(inputs.model_file)
