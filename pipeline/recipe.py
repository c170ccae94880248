"""How a candidate is trained: the values of a recipe, without Keras."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from pipeline.hyperparameter import Hyperparameter, Values, read, table

HYPERPARAMETERS: Mapping[str, Hyperparameter] = table(
    Hyperparameter(
        "optimizer",
        "adam",
        "sgd has Nesterov momentum; adam takes no weight decay, adamw does",
        options=("sgd", "adam", "adamw"),
    ),
    Hyperparameter("learning_rate", 1e-3, "peak learning rate", low=1e-8, high=100.0),
    Hyperparameter("momentum", 0.9, "momentum of sgd", low=0.0, high=0.9999),
    Hyperparameter(
        "schedule",
        "constant",
        "how the learning rate moves over the epochs",
        options=("constant", "cosine", "one_cycle"),
    ),
    Hyperparameter("warmup", 0.0, "share of the steps over which the rate rises linearly from 0", low=0.0, high=0.9),
    Hyperparameter("weight_decay", 0.0, "decoupled weight decay of kernels, with sgd and adamw", low=0.0, high=1.0),
    Hyperparameter("batch_size", 64, "images a step", low=1, high=65536),
    Hyperparameter("label_smoothing", 0.0, "share of the label spread over all classes", low=0.0, high=0.9),
    Hyperparameter("flip", False, "mirror half of the images left to right"),
    Hyperparameter("shift", 0.0, "crop shifted by up to this share of each side", low=0.0, high=0.5),
    Hyperparameter("cutout", 0.0, "grey square of this share of the shorter side", low=0.0, high=0.9),
)

_ONLY_WITH = {"momentum": ("sgd",), "weight_decay": ("sgd", "adamw")}
"""What an optimizer does not use does not tell recipes apart."""


@dataclass(frozen=True)
class Recipe:
    """One way to train; every field is documented in ``HYPERPARAMETERS``."""

    optimizer: str
    learning_rate: float
    momentum: float
    schedule: str
    warmup: float
    weight_decay: float
    batch_size: int
    label_smoothing: float
    flip: bool
    shift: float
    cutout: float

    @classmethod
    def from_values(cls, values: Values) -> "Recipe":
        """The recipe that ``values`` ask for; what they leave out takes its default."""
        chosen: dict[str, Any] = {field.name: read(HYPERPARAMETERS, values, field.name) for field in fields(cls)}
        for name, optimizers in _ONLY_WITH.items():
            if chosen["optimizer"] not in optimizers:
                chosen[name] = HYPERPARAMETERS[name].default
        return cls(**chosen)

    @property
    def slots(self) -> int:
        """How many values its optimizer keeps for each parameter: Adam's two moments, the velocity of SGD."""
        if self.optimizer == "sgd":
            return 1 if self.momentum else 0
        return 2

    def key(self) -> tuple[tuple[str, Any], ...]:
        """What tells two recipes apart, in a form that hashes and sorts."""
        return tuple(sorted(asdict(self).items()))
