"""One layer of an architecture and everything that is known of it before Keras."""

from dataclasses import dataclass

from pipeline.architecture.op import Op, Shape

INPUT = "image"
"""What a layer names as its input to get the (rescaled) image."""

LOGITS = "logits"
"""The last layer of every architecture; softmax is added when the model is saved."""


@dataclass(frozen=True)
class Layer:
    """One layer: what it does, the names of the layers it reads, and what follows, for one image.

    ``parameters`` are trained, ``non_trainable`` weights are not; ``macs`` are multiply-accumulates.
    ``receptive_field`` is the side in input pixels of the square that one output sees (it may reach beyond the image,
    into the padding), None for the whole image; ``jump`` the input pixels between neighbouring outputs.
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
