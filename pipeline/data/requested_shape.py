"""The shape of a dataset's images: by the user's request, or chosen by what the images are."""

from collections.abc import Callable
from typing import NamedTuple

from pipeline.data.decode import Shape


class Pictures(NamedTuple):
    """The images of a source before any is decoded.

    ``height`` and ``width`` are the medians of the training images in pixels, ``channels`` is 1 (all are grey), 3 or
    4; ``images`` and ``classes`` are counts.
    """

    height: int
    width: int
    channels: int
    images: int
    classes: int


ChooseSize = Callable[[Pictures], tuple[int, int]]
"""Gives the (height, width) of a dataset whose user asks for none."""


def own_size(pictures: Pictures) -> tuple[int, int]:
    """The size that the images have.

    >>> own_size(Pictures(480, 640, 3, images=2_000, classes=2))
    (480, 640)
    """
    return pictures.height, pictures.width


class RequestedShape(NamedTuple):
    """``size`` is (height, width), ``channels`` is 1 (grey) or 3 (RGB); None leaves it to the images.

    ``choose_size`` gives the size that is not requested.

    >>> RequestedShape(channels=3).resolve(Pictures(28, 28, 1, images=500, classes=10))
    (28, 28, 3)
    >>> RequestedShape(size=(32, 48)).resolve(Pictures(100, 80, 4, images=500, classes=10))
    (32, 48, 3)
    """

    size: tuple[int, int] | None = None
    channels: int | None = None
    choose_size: ChooseSize = own_size

    def resolve(self, pictures: Pictures) -> Shape:
        """The shape of the dataset of these images."""
        height, width = self.size or self.choose_size(pictures)
        return height, width, self.channels or (1 if pictures.channels == 1 else 3)
