"""What every op answers: pure rules for shape, parameters, multiply-accumulates and memory."""

from collections.abc import Sequence
from dataclasses import dataclass

Shape = tuple[int, ...]
"""Of one image, without the batch: (height, width, channels) of a map, (features,) once it is flat."""


class Infeasible(Exception):
    """Values that give no network.

    ``reason`` is one line for people, with numbers; ``kind`` a short class of reasons to count, without numbers.
    No error of the user's: a search meets them, counts them and goes on.
    """

    def __init__(self, reason: str, kind: str) -> None:
        super().__init__(reason, kind)
        self.reason, self.kind = reason, kind

    def __str__(self) -> str:
        return self.reason


@dataclass(frozen=True)
class Op:
    """Rules that hold unless an op says otherwise: the shape stays, nothing is learnt, computed or kept.

    Every rule takes the shapes of the op's inputs. Those of a wrong number or rank are a mistake of the family and
    raise ValueError.
    """

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        """Shape of the output; Infeasible when there is none."""
        (shape,) = inputs
        return shape

    def parameters(self, inputs: Sequence[Shape]) -> int:
        """Trainable parameters."""
        return 0

    def non_trainable(self, inputs: Sequence[Shape]) -> int:
        """Weights that are kept but not trained."""
        return 0

    def macs(self, inputs: Sequence[Shape]) -> int:
        """Multiply-accumulates for one image."""
        return 0

    def window(self) -> tuple[int, int] | None:
        """Size and stride of the window that moves over the map, None when an output sees the whole of it."""
        return 1, 1

    def canonical(self, inputs: Sequence[Shape]) -> "Op":
        """The op that stands for all those computing the same from these inputs."""
        return self

    @property
    def keeps_input(self) -> bool:
        """Whether the backward pass reads the inputs."""
        return False

    @property
    def keeps_output(self) -> bool:
        """Whether the backward pass reads the output."""
        return False

    def keeps_beside(self, inputs: Sequence[Shape]) -> int:
        """Values made on the way that the backward pass reads, beside inputs and output."""
        return 0
