"""The shape that the images of a dataset shall have, as far as anybody asked for one."""

from typing import NamedTuple

from pipeline.data.decode import Shape


class Wanted(NamedTuple):
    """``size`` is (height, width), ``channels`` 1 or 3; None leaves that to the images."""

    size: tuple[int, int] | None = None
    channels: int | None = None

    def of(self, found: Shape) -> Shape:
        """The shape of the dataset when its images have the shape ``found``, of 1, 3 or 4 channels."""
        height, width = self.size or found[:2]
        return height, width, self.channels or (1 if found[2] == 1 else 3)


def exactly(shape: Shape) -> Wanted:
    """What asks for this very shape."""
    return Wanted(shape[:2], shape[2])
