"""A family of architectures: the hyperparameters that it reads and the function that builds a network of them."""

from collections.abc import Callable
from dataclasses import dataclass

from pipeline.architecture.architecture import Architecture
from pipeline.hyperparameter import Hyperparameters, Params


@dataclass(frozen=True)
class Family:
    """``build(params, input_shape, classes)`` gives the architecture for images of (height, width, channels).

    It ignores params that are not its own (those of the recipe), and takes the defaults of ``hyperparameters`` for
    those left out. It raises Infeasible where the params give no network.
    """

    name: str
    help: str
    hyperparameters: Hyperparameters
    build: Callable[[Params, tuple[int, int, int], int], Architecture]
