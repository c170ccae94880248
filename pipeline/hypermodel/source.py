"""How a HyperModel is described to workers, and what they report about it: plain data, without Keras."""

from dataclasses import dataclass, field

from pipeline.data.decode import Shape
from pipeline.hyperparameter import Conditions, Scalar
from pipeline.recipe import CLASS_WEIGHTS
from pipeline.training.pixel_form import AUTO, PixelForm

Code = tuple[tuple[str, bytes], ...]
"""Python files: the path of each in its folder, and its content."""


class UntrainableError(Exception):
    """A model that convtune cannot train; ``kind`` is the reason without its numbers."""

    def __init__(self, reason: str, kind: str) -> None:
        super().__init__(reason)
        self.kind = kind


@dataclass(frozen=True)
class HyperModelSource:
    """Where a HyperModel or a ``build(hp)`` function is, and the images for which it builds models.

    ``module`` is a dotted name or the path of a ``.py`` file, ``attribute`` a name in it. ``shape`` is (height, width,
    channels) and ``classes`` the number of classes: None and 0 until the images are known. ``pixels`` is the range in
    which pixels enter its models, or ``auto``; ``class_weight`` is as in ``pipeline.recipe``. ``code`` are the files of
    the user's that its survey has imported (before that: none), with which other machines can import it.

    >>> str(HyperModelSource("my_models.py", "build"))
    'my_models.py:build'
    """

    module: str
    attribute: str
    shape: Shape | None = None
    classes: int = 0
    pixels: str = AUTO
    class_weight: str = CLASS_WEIGHTS[0]
    code: Code = field(default=(), compare=False, repr=False)

    def __str__(self) -> str:
        return f"{self.module}:{self.attribute}"


@dataclass(frozen=True)
class HyperModelInfo:
    """The facts about a HyperModel that are known before its images are.

    ``file`` is the file with its source code ("": unknown). ``shape`` is the (height, width, channels) that its model
    takes, None if it takes the shape of the data. A None within ``shape`` stands for a side of any length.
    """

    file: str
    shape: tuple[int | None, int | None, int | None] | None


@dataclass(frozen=True)
class ListedHyperparameter:
    """A hyperparameter as KerasTuner declares it; its name may be listed again under other conditions.

    ``kind`` is ``int``, ``float``, ``choice`` or ``fixed``. The last two have ``options``, the first two a range.
    ``note`` says which of its settings a space cannot express.
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
class BuiltModel:
    """The costs of the model that was built from some params, or the ``reason`` why there is no model.

    ``key`` is equal for equal models that train alike. ``macs`` is None where a layer is of a kind that is not counted.
    ``kind`` is the reason without its numbers. ``parameters`` is None where there is no model.
    """

    key: str = ""
    parameters: int | None = None
    macs: int | None = None
    reason: str = ""
    kind: str = ""


@dataclass(frozen=True)
class Survey:
    """The hyperparameters that were found by building some models of a HyperModel, and their effects.

    ``listed`` are its hyperparameters, parents before children; one whose range follows other values is listed once for
    each range that widens it. ``idle`` names those whose values have changed nothing in the models that were tried,
    nor in their compilation or training. ``pixels`` are the forms in which the models take their images, the default
    model's first. ``built`` are the values that models were built from, and these. ``unadapted`` are the names
    of ``Normalization`` layers without statistics. ``ignores_weights`` says that a ``fit`` of its own has not given
    ``model.fit`` the class weights. ``code`` are the files of the user's that were imported.
    """

    listed: tuple[ListedHyperparameter, ...]
    idle: tuple[str, ...] = ()
    pixels: tuple[PixelForm, ...] = ()
    built: tuple[tuple[dict[str, Scalar], BuiltModel], ...] = ()
    unadapted: tuple[str, ...] = ()
    ignores_weights: bool = False
    code: Code = ()
