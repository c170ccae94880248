"""An executor that trains nothing: each trial gets the scores that follow from its params, and a file for a model."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.data import Dataset
from pipeline.errors import WorkerError
from pipeline.executors import ExecutorKind, InlineExecutor, Task
from pipeline.metrics import compute_metrics
from pipeline.study.trial import Decision, EpochReport, ReportCallback, TrialResult, ending
from pipeline.training.task import PredictDataset, TrainTask
from pipeline.training.worker import DetectDevice

SPACE = """
family: plain
hyperparameters:
  blocks: 1
  filters: {choice: [4, 8, 16, 32]}
  kernel: {choice: [3, 5]}
  head: average
  fc_layers: 0
"""
"""A space of eight points."""

WIDE = """
family: plain
hyperparameters:
  blocks: 1
  filters: {int: [4, 32]}
  kernel: {choice: [3, 5]}
  head: average
  fc_layers: 0
  dropout: {float: [0, 0.5]}
"""
"""A space of endlessly many points."""


class PretendExecutor(InlineExecutor):
    """Runs everything in no time."""

    def submit(self, task: Task[Any]) -> None:
        super().submit(PretendTraining(task) if isinstance(task, TrainTask) else PretendAnswer(task))


@dataclass(frozen=True)
class PretendTraining:
    """A trial that takes no time: wider is better, a larger kernel dearer and a little worse."""

    task: TrainTask

    @property
    def number(self) -> int:
        return self.task.number

    def run(self, report: ReportCallback) -> TrialResult:
        inputs = self.task.inputs
        best: float | None = None
        decision, epoch = Decision.CONTINUE, 0
        while decision is Decision.CONTINUE and epoch < inputs.trial.epochs:
            epoch += 1
            metrics = self._metrics(epoch)
            score = metrics[inputs.metric.logged_as]
            best = score if inputs.metric.better(score, best) else best
            answer = report(EpochReport(self.number, epoch, metrics, float(epoch)))
            decision = answer if epoch < inputs.trial.epochs else decision
        inputs.model_file.write_bytes(b"a model")
        end = ending(decision, epoch)
        return TrialResult(
            self.number,
            end.state,
            best,
            epoch,
            decision=decision,
            model=str(inputs.model_file) if end.keeps_model else "",
        )

    def _metrics(self, epoch: int) -> dict[str, float]:
        """Every metric of made-up probabilities, which tell the right class better with each epoch."""
        inputs, params = self.task.inputs, self.task.inputs.trial.params
        quality = (0.5 + params["filters"] / 100 - params["kernel"] / 1000) * epoch / inputs.trial.epochs
        scores = compute_metrics(*made_up_probabilities(inputs.dataset, quality))
        return {"loss": 1 - quality} | {f"val_{name}": score for name, score in scores.items()}


def made_up_probabilities(dataset: Dataset, quality: float) -> tuple[Any, Any]:
    """The labels of the validation images, and probabilities of which the share ``quality`` is right."""
    labels, classes = dataset.labels[dataset.validation], len(dataset.classes)
    right = np.eye(classes)[labels]
    hit = np.arange(len(labels)) < quality * len(labels)
    wrong = np.roll(right, 1, axis=1)
    return labels, 0.9 * np.where(hit[:, None], right, wrong) + 0.1 / classes


@dataclass(frozen=True)
class PretendAnswer:
    """The answer to what a study asks of a worker besides training."""

    task: Task[Any]

    @property
    def number(self) -> int:
        return self.task.number

    def run(self, report: ReportCallback) -> Any:
        if isinstance(self.task, DetectDevice):
            return "cpu"
        if isinstance(self.task, PredictDataset):
            dataset = self.task.dataset
            return np.eye(len(dataset.classes), dtype=np.float32)[dataset.labels[self.task.rows]]
        raise WorkerError("nothing is trained here")


PRETEND = ExecutorKind("inline", "nothing is trained", lambda slots, log, warm_up: PretendExecutor(), parallel=False)
"""In the place of the inline executor."""
