"""A HyperModel as the workers get it, and what they say of it: plain data, without Keras."""

from dataclasses import dataclass

from pipeline.hyperparameter import Conditions, Scalar
from pipeline.training.task import Training
from pipeline.trial import Ask, Outcome

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Blueprint:
    """Where a HyperModel or a ``build(hp)`` function is, and the images that it is to be built for.

    ``module`` is a dotted name or the path of a ``.py`` file, ``attribute`` a name in it. ``shape`` is (height, width,
    channels), None as long as the images are not known.
    """

    module: str
    attribute: str
    shape: Shape | None = None
    classes: int = 0

    def __str__(self) -> str:
        return f"{self.module}:{self.attribute}"


@dataclass(frozen=True)
class Opened:
    """``file`` holds its source ("": none is known); ``shape`` is what its model takes, None for the shape of the data.

    A None within ``shape`` stands for a side of any length.
    """

    file: str
    shape: tuple[int | None, int | None, int | None] | None


@dataclass(frozen=True)
class Listed:
    """One hyperparameter as KerasTuner has it; the same name may be listed again under other conditions.

    ``kind`` is ``int``, ``float``, ``choice`` or ``fixed``; a choice and a fixed one have ``options``, the others a
    range. ``note`` is what could not be kept of it.
    """

    name: str
    kind: str
    default: Scalar
    when: Conditions
    options: tuple[Scalar, ...] = ()
    low: float = 0
    high: float = 0
    step: float | None = None
    log: bool = False
    note: str = ""


@dataclass(frozen=True)
class Built:
    """What becomes of values: a model with its costs, or the ``reason`` why not; ``kind`` is that without numbers.

    ``macs`` is None where a layer is of a kind that is not counted. ``key`` is equal for equal models, trained alike.
    """

    key: str = ""
    parameters: int = 0
    macs: int | None = None
    reason: str = ""
    kind: str = ""


@dataclass(frozen=True)
class HyperTask(Training):
    """The training of a model of a HyperModel; with the precision ``auto`` its dtype policy is its own."""

    blueprint: Blueprint

    def run(self, ask: Ask) -> Outcome:
        """Trains; see ``pipeline.training.hypermodel.fit.train``."""
        from pipeline.training.hypermodel.fit import train

        return train(self, ask)
