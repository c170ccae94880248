"""What a look at a network shows, as arrays: made in a worker, drawn in the parent. No Keras."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Unit:
    """One place of a layer's map, from 0."""

    layer: str
    row: int
    column: int


@dataclass(frozen=True)
class Wish:
    """What is asked for: Grad-CAM of the ``top`` classes, at most ``channels`` maps a convolution.

    The receptive field of ``unit``, or of the strongest one of the last convolution. ``levels`` are what a black and
    a white pixel are to a model without a card; None: 0 and 255 where it scales them itself, else 0 and 1.
    """

    unit: Unit | None = None
    top: int = 3
    channels: int = 32
    levels: tuple[float, float] | None = None


@dataclass(frozen=True, eq=False)
class Filters:
    """Kernels of the first convolution: (height, width, channels, shown) of ``count`` filters over ``depth`` channels.

    ``shown`` and the channels are the first ones where there are too many.
    """

    layer: str
    kernels: Floats
    count: int
    depth: int


@dataclass(frozen=True, eq=False)
class Maps:
    """What a convolution gives for an image, ``after`` the layers that shape it: (height, width, shown).

    ``shown`` are the first of ``channels``.
    """

    layer: str
    after: tuple[str, ...]
    values: Floats
    channels: int


@dataclass(frozen=True)
class Field:
    """What of the image one unit of a layer's map of ``size`` (height, width) can see.

    ``box`` is (top, left, bottom, right) in pixels, the last two behind the last pixel; clipped to the image.
    ``side`` is (height, width) before that. ``channel`` is where the unit is strongest. ``unknown`` names the layers
    that were taken to see their whole input.
    """

    unit: Unit
    size: tuple[int, int]
    channel: int
    box: tuple[int, int, int, int]
    side: tuple[int, int]
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Heat:
    """Grad-CAM of one class (its number), taken at ``layer``: (height, width), 0 to 1; all 0: nothing speaks for it."""

    layer: str
    position: int
    values: Floats


@dataclass(frozen=True, eq=False)
class Sight:
    """One image, uint8 (height, width, channels) as it goes in, and what the network makes of it.

    ``shares`` is one a class, (classes,), most of the time adding up to 1; empty where the model has no classes.
    ``label`` is the number of the true class, where it is known.
    """

    title: str
    image: NDArray[np.uint8]
    shares: Floats
    maps: tuple[Maps, ...]
    field: Field
    heats: tuple[Heat, ...]
    label: int | None = None


@dataclass(frozen=True, eq=False)
class Look:
    """A network and some images. ``notes`` are sentences: where it was trained; without a card, what was assumed."""

    name: str
    classes: tuple[str, ...]
    parameters: int
    filters: Filters
    sights: tuple[Sight, ...]
    notes: tuple[str, ...] = ()
