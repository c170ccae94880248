"""What a family of architectures is: a rule with the hyperparameters it reads."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pipeline.architecture.architecture import Architecture
from pipeline.hyperparameter import Hyperparameter, Values


@dataclass(frozen=True)
class Family:
    """``rule`` turns values, the (height, width, channels) of an image and the number of classes into an architecture.

    Values it does not know (those of the recipe) are ignored, those left out take the defaults of
    ``hyperparameters``; values that give no network raise Infeasible.
    """

    name: str
    help: str
    hyperparameters: Mapping[str, Hyperparameter]
    rule: Callable[[Values, tuple[int, int, int], int], Architecture]
