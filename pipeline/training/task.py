"""A trial as a worker gets it: everything that training needs, without Keras."""

from dataclasses import dataclass
from pathlib import Path

from pipeline.architecture import Architecture
from pipeline.data import Dataset
from pipeline.model_card import ModelCard
from pipeline.recipe import Recipe
from pipeline.trial import Ask, Outcome, Trial


@dataclass(frozen=True)
class Training:
    """One trial, where its model goes and what travels with it; ``precision`` is ``auto`` or a Keras dtype policy."""

    trial: Trial
    dataset: Dataset
    precision: str
    model_file: Path
    card: ModelCard

    @property
    def number(self) -> int:
        """The trial's number."""
        return self.trial.number


@dataclass(frozen=True)
class TrainTask(Training):
    """The training of a candidate of one of the FAMILIES."""

    architecture: Architecture
    recipe: Recipe

    def run(self, ask: Ask) -> Outcome:
        """Trains; see ``pipeline.training.fit.train``."""
        from pipeline.training.fit import train

        return train(self, ask)
