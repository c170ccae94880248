"""The inputs of every training of a trial, however its model is built. Without Keras."""

from dataclasses import dataclass
from pathlib import Path

from pipeline.data import Dataset
from pipeline.metrics import Metric
from pipeline.study.model_metadata import ModelMetadata
from pipeline.study.trial import Trial


@dataclass(frozen=True)
class TrainingInputs:
    """A trial, its data, and where its model goes.

    ``metric`` scores the trial on the validation images. ``precision`` is ``auto`` or a Keras dtype policy. The model
    of the best epoch is written to ``model_file`` (``.keras``) with ``metadata`` inside, to which the training adds the
    metric and the score.
    """

    trial: Trial
    dataset: Dataset
    metric: Metric
    precision: str
    model_file: Path
    metadata: ModelMetadata
