"""The form into which images are decoded: requested by the user, or chosen to suit the images."""

from collections.abc import Callable
from typing import NamedTuple

from pipeline.data.decode import Shape
from pipeline.data.white_level import PixelRange


class Pictures(NamedTuple):
    """The images of a source before any is decoded.

    ``height`` and ``width`` are the medians of the training images in pixels, ``channels`` is 1 (all are grey), 3 or
    4; ``images`` and ``classes`` are counts. Where pixels are not bytes, ``white`` is the value that becomes 255,
    ``highest`` the highest one that there is, and nearly all are below ``usual``, a power of two. ``smallest`` and
    ``largest`` are the (height, width) of the images with the least and the greatest area (None: all are alike).
    """

    height: int
    width: int
    channels: int
    images: int
    classes: int
    white: int | None = None
    highest: float = 255.0
    usual: int | None = None
    smallest: tuple[int, int] | None = None
    largest: tuple[int, int] | None = None

    def with_range(self, pixels: PixelRange) -> "Pictures":
        """The same images, of pixels that are not bytes."""
        return self._replace(white=pixels.white, highest=pixels.highest, usual=pixels.usual)

    def describe_form(self) -> str:
        """Colour and depth: ``colour, 8 bits``; ``grey, 12 bits``; ``colour, fractions of 0..1``."""
        colour = "grey" if self.channels == 1 else "colour"
        if self.white is None or self.white > 255:
            return f"{colour}, {(self.white or 255).bit_length()} bits"
        return f"{colour}, {'fractions of ' if self.white == 1 else 'numbers in '}0..{self.white}"

    def describe_sizes(self) -> str:
        """Median size, and the smallest and largest where they differ: ``120x160 (90x120 to 480x640)``."""
        ends = [f"{height}x{width}" for height, width in filter(None, (self.smallest, self.largest))]
        differ = len(set(ends)) > 1
        return f"{self.height}x{self.width}" + (f" ({' to '.join(ends)})" if differ else "")


ChooseSize = Callable[[Pictures], tuple[int, int]]
"""Gives the (height, width) of a dataset whose user asks for none."""


def own_size(pictures: Pictures) -> tuple[int, int]:
    """The size that the images have.

    >>> own_size(Pictures(480, 640, 3, images=2_000, classes=2))
    (480, 640)
    """
    return pictures.height, pictures.width


class Form(NamedTuple):
    """The height, width and channels of decoded images, and the stored value that becomes 255 (None: bytes)."""

    shape: Shape
    white: int | None = None


class RequestedForm(NamedTuple):
    """``size`` is (height, width), ``channels`` is 1 (grey) or 3 (RGB); None leaves it to the images.

    ``choose_size`` gives the size that is not requested. ``white`` is used where the images have more than 8 bits: that
    of the images that a model was trained on.

    >>> RequestedForm(channels=3).resolve(Pictures(28, 28, 1, images=500, classes=10))
    Form(shape=(28, 28, 3), white=None)
    >>> RequestedForm(size=(32, 48)).resolve(Pictures(100, 80, 4, images=500, classes=10)).shape
    (32, 48, 3)
    """

    size: tuple[int, int] | None = None
    channels: int | None = None
    choose_size: ChooseSize = own_size
    white: int | None = None

    def resolve(self, pictures: Pictures) -> Form:
        """The form of the dataset of these images."""
        height, width = self.size or self.choose_size(pictures)
        deep = pictures.white is not None and pictures.white > 255
        shape = height, width, self.channels or (1 if pictures.channels == 1 else 3)
        return Form(shape, (self.white or pictures.white) if deep else pictures.white)
