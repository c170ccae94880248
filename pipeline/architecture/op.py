"""The interface of every op: pure rules for shape, parameters, multiply-accumulates and memory."""

from collections.abc import Sequence
from dataclasses import dataclass

Shape = tuple[int, ...]
"""The shape for one image, without the batch: (height, width, channels) of a map, (features,) once it is flat."""


class Infeasible(Exception):
    """Params give no network.

    ``reason`` is one line for people, with numbers. ``kind`` is a short class of reasons to count, without numbers.
    This is not a user's error: a search meets such params, counts them and goes on.
    """

    def __init__(self, reason: str, kind: str) -> None:
        super().__init__(reason, kind)
        self.reason, self.kind = reason, kind

    def __str__(self) -> str:
        return self.reason


@dataclass(frozen=True)
class Op:
    """The operation of a layer. Unless an op overrides these rules, the shape stays and nothing is trained or kept.

    Every rule takes the shapes of the op's inputs. ValueError for a wrong number or rank of them, which is a mistake
    in the family.
    """

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        """The shape of the output; Infeasible when there is none."""
        (shape,) = inputs
        return shape

    def parameters(self, inputs: Sequence[Shape]) -> int:
        """The number of trainable weights."""
        return 0

    def non_trainable(self, inputs: Sequence[Shape]) -> int:
        """The number of weights that are kept but not trained."""
        return 0

    def macs(self, inputs: Sequence[Shape]) -> int:
        """Multiply-accumulates for one image."""
        return 0

    def window(self) -> tuple[int, int] | None:
        """Size and stride of the window that moves over the map; None when an output sees the whole map."""
        return 1, 1

    def canonical(self, inputs: Sequence[Shape]) -> "Op":
        """One op that stands for all ops that compute the same from these inputs."""
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
        """How many intermediate values the backward pass reads, apart from inputs and output."""
        return 0
