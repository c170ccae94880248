"""One layer of an architecture and everything that is known of it without Keras."""

from dataclasses import dataclass

from pipeline.architecture.op import Op, Shape

INPUT = "image"
"""The input of a layer that reads the (rescaled) image."""

LOGITS = "logits"
"""The last layer of every architecture; softmax is added when the model is saved."""


@dataclass(frozen=True)
class Layer:
    """One layer: its op, the names of the layers it reads, and what follows from them for one image.

    ``parameters`` counts its trainable weights, ``non_trainable`` the others, ``macs`` its multiply-accumulates.
    ``receptive_field`` is the side in input pixels of the square that one output sees (it may reach beyond the image,
    into the padding), None for the whole image. ``jump`` is the number of input pixels between neighbouring outputs.
    Both follow Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill 2019;
    where branches meet they are the largest of the branches'.
    """

    name: str
    op: Op
    inputs: tuple[str, ...]
    shape: Shape
    parameters: int = 0
    non_trainable: int = 0
    macs: int = 0
    receptive_field: int | None = 1
    jump: int = 1
