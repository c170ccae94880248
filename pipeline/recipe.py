"""The recipe by which a candidate is trained, without Keras."""

from dataclasses import asdict, dataclass, fields
from typing import Any

from pipeline.hyperparameter import Hyperparameter, Hyperparameters, Params

CLASS_WEIGHTS = ("none", "balanced")
"""How much an image of each class counts in the loss; see ``pipeline.training.class_weights``."""

HYPERPARAMETERS = Hyperparameters(
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
    Hyperparameter("batch_size", 64, "images per step", low=1, high=65536),
    Hyperparameter("label_smoothing", 0.0, "share of the label spread over all classes", low=0.0, high=0.9),
    Hyperparameter("flip", False, "mirror half of the images left to right"),
    Hyperparameter("shift", 0.0, "crop shifted by up to this share of each side", low=0.0, high=0.5),
    Hyperparameter("cutout", 0.0, "grey square of this share of the shorter side", low=0.0, high=0.9),
    Hyperparameter(
        "ema",
        0.3,
        "epochs over which weights are averaged, for validation and the saved model; 0: none",
        low=0.0,
        high=100,
    ),
    Hyperparameter(
        "class_weight",
        CLASS_WEIGHTS[0],
        "weight of each class in the loss; balanced: rare classes count as much as frequent ones",
        options=CLASS_WEIGHTS,
    ),
)

_ONLY_WITH = {"momentum": ("sgd",), "weight_decay": ("sgd", "adamw")}
"""Hyperparameters and the optimizers that use them; for any other optimizer they have their default."""


@dataclass(frozen=True)
class Recipe:
    """One way to train. Every field is documented in ``HYPERPARAMETERS``."""

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
    ema: float
    class_weight: str

    @classmethod
    def from_params(cls, params: Params) -> "Recipe":
        """The recipe that ``params`` ask for; hyperparameters that they leave out have their default.

        >>> Recipe.from_params({"learning_rate": 0.01, "momentum": 0.5}).momentum  # adam has none
        0.9
        """
        chosen: dict[str, Any] = {field.name: HYPERPARAMETERS.value_of(params, field.name) for field in fields(cls)}
        for name, optimizers in _ONLY_WITH.items():
            if chosen["optimizer"] not in optimizers:
                chosen[name] = HYPERPARAMETERS[name].default
        return cls(**chosen)

    @property
    def optimizer_slots(self) -> int:
        """How many values the optimizer keeps per parameter: Adam's two moments, or the velocity of SGD."""
        if self.optimizer == "sgd":
            return 1 if self.momentum else 0
        return 2

    def key(self) -> tuple[tuple[str, Any], ...]:
        """The fields by name, hashable and sortable; equal for equal recipes."""
        return tuple(sorted(asdict(self).items()))
