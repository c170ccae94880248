"""The shape that the user asks for, as far as the user asks for one."""

from typing import NamedTuple

from pipeline.data.decode import Shape


class RequestedShape(NamedTuple):
    """``size`` is (height, width), ``channels`` is 1 (grey) or 3 (RGB); None leaves it to the images.

    >>> RequestedShape(channels=3).resolve((28, 28, 1))
    (28, 28, 3)
    >>> RequestedShape(size=(32, 48)).resolve((100, 80, 4))
    (32, 48, 3)
    """

    size: tuple[int, int] | None = None
    channels: int | None = None

    def resolve(self, own: Shape) -> Shape:
        """The shape of the dataset when the images' ``own`` shape has 1, 3 or 4 channels."""
        height, width = self.size or own[:2]
        return height, width, self.channels or (1 if own[2] == 1 else 3)


def request_exactly(shape: Shape) -> RequestedShape:
    """The request for this very shape.

    >>> request_exactly((8, 6, 1))
    RequestedShape(size=(8, 6), channels=1)
    """
    return RequestedShape(shape[:2], shape[2])
