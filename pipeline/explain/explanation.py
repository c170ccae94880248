"""The explanation of a model as arrays: a worker with Keras makes it, the parent draws it. No Keras here."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import JobError

Floats = NDArray[np.float32]

PixelRange = tuple[float, float]
"""The numbers that a black and a white pixel become before they enter a model."""


@dataclass(frozen=True)
class Unit:
    """One position of a layer's map. Rows and columns count from 0."""

    layer: str
    row: int
    column: int

    @classmethod
    def parse(cls, text: str) -> "Unit":
        """Reads ``LAYER:ROW,COLUMN``; ValueError for anything else.

        >>> Unit.parse("block1_conv1:3,5")
        Unit(layer='block1_conv1', row=3, column=5)
        """
        layer, _, position = text.rpartition(":")
        numbers = position.split(",")
        if not layer or len(numbers) != 2 or not all(number.strip().isdecimal() for number in numbers):
            raise ValueError("expected LAYER:ROW,COLUMN such as block1_conv1:3,5")
        return cls(layer, int(numbers[0]), int(numbers[1]))


@dataclass(frozen=True)
class ExplainOptions:
    """The choices that a user has.

    ``unit`` is the one whose receptive field is drawn; None selects the strongest unit of the last convolution.
    ``top`` is how many of the most probable classes get a Grad-CAM heatmap. ``channels`` is how many activation maps
    are shown per convolution at most. ``pixel_range`` is for a model that does not tell how its pixels are scaled;
    None means 0 and 255 if the model rescales them itself, else 0 and 1.

    JobError if black and white are the same number.
    """

    unit: Unit | None = None
    top: int = 3
    channels: int = 32
    pixel_range: PixelRange | None = None

    def __post_init__(self) -> None:
        if self.pixel_range is not None and self.pixel_range[0] == self.pixel_range[1]:
            black, white = self.pixel_range
            raise JobError(f"--pixels: expected two different numbers such as -1 1, got {black:g} {white:g}")


@dataclass(frozen=True, eq=False)
class Filters:
    """The kernels of the first convolution: (height, width, input channels, filters).

    ``count`` is the number of all filters and ``depth`` the number of all input channels. ``kernels`` holds the first
    ones if there are too many to show.
    """

    layer: str
    kernels: Floats
    count: int
    depth: int


@dataclass(frozen=True, eq=False)
class ActivationMaps:
    """The output of a convolution for one image: (height, width, maps).

    ``after`` names the normalization and activation layers behind the convolution that have been applied.
    ``channels`` is the number of all maps; ``values`` holds the first ones if there are too many to show.
    """

    layer: str
    after: tuple[str, ...]
    values: Floats
    channels: int


@dataclass(frozen=True)
class ReceptiveField:
    """The part of the image that can influence one unit of a map of ``map_size`` (height, width).

    ``box`` is (top, left, bottom, right) in pixels, clipped to the image; bottom and right are exclusive. ``size`` is
    (height, width) before clipping. ``channel`` is the one in which the unit is strongest. ``unknown_layers`` are
    those whose rule is not known: each is assumed to see its whole input, so the field is an upper bound.
    """

    unit: Unit
    map_size: tuple[int, int]
    channel: int
    box: tuple[int, int, int, int]
    size: tuple[int, int]
    unknown_layers: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class ClassHeatmap:
    """Grad-CAM of one class at the output of ``layer``: (height, width), from 0 to 1.

    All values are 0 if nothing in the image is evidence for the class.
    """

    layer: str
    class_index: int
    values: Floats


@dataclass(frozen=True, eq=False)
class ImageExplanation:
    """One image and how a model arrives at its prediction.

    ``image`` is uint8 (height, width, channels) as it enters the model. ``probabilities`` is (classes,), from 0 to 1.
    It adds up to 1, except for a model that ends in a sigmoid per class: then each class has a probability of its
    own. It is empty if the model has no classes. ``label`` is the index of the true class, None if that is not known.
    """

    title: str
    image: NDArray[np.uint8]
    probabilities: Floats
    activation_maps: tuple[ActivationMaps, ...]
    receptive_field: ReceptiveField
    heatmaps: tuple[ClassHeatmap, ...]
    label: int | None = None

    @property
    def predicted(self) -> int | None:
        """The index of the most probable class; None without classes."""
        return int(self.probabilities.argmax()) if self.probabilities.size else None

    @property
    def correct(self) -> bool | None:
        """Whether the predicted class is the true one; None if there are no classes or the label is not known."""
        return None if self.predicted is None or self.label is None else self.predicted == self.label


@dataclass(frozen=True, eq=False)
class Explanation:
    """A model and some images.

    ``name`` is that of the model's file. ``parameters`` counts the trainable weights. ``notes`` are sentences: where
    the model was trained, or what was assumed about the model of another program.
    """

    name: str
    classes: tuple[str, ...]
    parameters: int
    filters: Filters
    images: tuple[ImageExplanation, ...]
    notes: tuple[str, ...] = ()
