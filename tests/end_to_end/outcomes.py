"""A study in which trials end in every way: training is made up, everything else is real, its model too."""

import os
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import WorkerError
from pipeline.executors import ExecutorKind, InlineExecutor, Task
from pipeline.metrics import compute_metrics
from pipeline.study.trial import Decision, EpochReport, ReportCallback, TrialResult, ending
from pipeline.training.task import TrainTask
from tests.end_to_end.pretend import made_up_probabilities
from tests.export.tiny_model import write_tiny_model

SPACE = """
family: plain
hyperparameters:
  blocks: 1
  filters: {choice: [4, 8, 16, 32]}
  kernel: {choice: [3, 5]}
  dropout: {choice: [0.0, 0.1, 0.2, 0.4, 0.6]}
  head: average
  fc_layers: 0
limits: {macs: 20_000}
"""
"""A space of 40 points, of which ten are over the limit: those with many filters of the larger kernel."""

FAILING, CUT_OFF = (5, 13), 29
"""The numbers of trials that raise, and of the one in which Ctrl-C is pressed."""


class OutcomesExecutor(InlineExecutor):
    """Trains nothing; what else a study asks of a worker is done here, with Keras."""

    def __init__(self, model: Path) -> None:
        super().__init__()
        self._model = model

    def submit(self, task: Task[Any]) -> None:
        super().submit(MadeUpTraining(task, self._model) if isinstance(task, TrainTask) else task)


@dataclass(frozen=True)
class MadeUpTraining:
    """A trial that takes no time: wider and less dropout is better, and ``model`` is what it leaves."""

    task: TrainTask
    model: Path

    @property
    def number(self) -> int:
        return self.task.number

    def run(self, report: ReportCallback) -> TrialResult:
        if self.number in FAILING:
            raise WorkerError("out of memory")
        inputs = self.task.inputs
        best: float | None = None
        decision, epoch = Decision.CONTINUE, 0
        while decision is Decision.CONTINUE and epoch < inputs.trial.epochs:
            epoch += 1
            if self.number == CUT_OFF and epoch == 2:
                os.kill(os.getpid(), signal.SIGINT)
            metrics = self._metrics(epoch)
            best = max(metrics["val_accuracy"], best or 0.0)
            answer = report(EpochReport(self.number, epoch, metrics, 0.1 * epoch))
            decision = answer if epoch < inputs.trial.epochs else decision
        end = ending(decision, epoch)
        if end.keeps_model:
            shutil.copyfile(self.model, inputs.model_file)
        model = str(inputs.model_file) if end.keeps_model else ""
        return TrialResult(self.number, end.state, best, epoch, 0.1 * epoch, decision=decision, model=model)

    def _metrics(self, epoch: int) -> dict[str, float]:
        trial = self.task.inputs.trial
        share = epoch / trial.epochs
        quality = (0.4 + trial.params["filters"] / 80 - trial.params["dropout"] / 4) * (0.6 + 0.4 * share)
        labels, probabilities = made_up_probabilities(self.task.inputs.dataset, quality)
        scores = {f"val_{name}": score for name, score in compute_metrics(labels, probabilities).items()}
        return {"loss": 1 - quality, "val_loss": 1.1 - quality} | scores


def kind(folder: Path) -> ExecutorKind:
    """In the place of the inline executor; the model that trials leave is made in ``folder``."""
    model = write_tiny_model(folder / "model.keras", tuple("0123456789"))
    return ExecutorKind("inline", "training is made up", lambda *_: OutcomesExecutor(model), parallel=False)
