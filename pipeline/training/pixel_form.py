"""The ranges in which pixels may enter a model that convtune did not make. Without Keras."""

from collections.abc import Mapping
from dataclasses import dataclass

AUTO = "auto"
"""The range of pixels that the models themselves say they take."""
PIXEL_RANGES: Mapping[str, float] = {"0..1": 255.0, "0..255": 1.0}
"""The ranges in which pixels may enter a model, each with the number by which pixels from 0 to 255 are divided."""


class UnclearPixelsError(Exception):
    """A model that does not tell the range of its pixels; the text says why."""


@dataclass(frozen=True)
class PixelForm:
    """The range in which pixels enter a model, one of ``PIXEL_RANGES``, and the reason in a few words."""

    range: str
    reason: str

    @property
    def divisor(self) -> float:
        """The number by which pixels from 0 to 255 are divided."""
        return PIXEL_RANGES[self.range]
