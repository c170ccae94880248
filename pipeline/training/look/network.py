"""A model file opened to look into: its steps, its convolutions, and how images go in."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from pipeline.errors import JobError, ModelError, first_line
from pipeline.model_card import ModelCard
from pipeline.training.grouped import GroupedConv2D, slow_groups
from pipeline.training.keras_model import has_graph, parameters, takes_raw_pixels
from pipeline.training.look.field import Shape
from pipeline.training.look.graph import Graph, Step, flatten
from pipeline.training.look.heat import Head, head
from pipeline.training.look.seen import Floats
from pipeline.training.save import load

Tensors = Mapping[int, Any]
"""Every tensor of one run, by slot."""

Levels = tuple[float, float]
"""What a black and a white pixel go in as."""

_CONVOLUTIONS = (layers.Conv2D, layers.DepthwiseConv2D, layers.SeparableConv2D)
_SHAPERS = (
    layers.BatchNormalization, layers.LayerNormalization, layers.GroupNormalization, layers.Activation, layers.ReLU,
    layers.LeakyReLU, layers.ELU, layers.PReLU,
)  # fmt: skip
"""What follows a convolution and belongs to its map: it is what the next layers see."""


@dataclass(frozen=True, eq=False)
class Network:
    """``shape`` is (height, width, channels) of the images, None where any will do.

    ``classes`` are names, or numbers where there are none.
    """

    file: Path
    graph: Graph
    head: Head | None
    convolutions: tuple[Step, ...]
    shape: tuple[int | None, int | None, int]
    dtype: str
    levels: Levels
    classes: tuple[str, ...]
    parameters: int
    notes: tuple[str, ...]

    def run(self, images: NDArray[np.uint8]) -> Tensors:
        """Every tensor for a batch of images; ModelError when the model does not take them."""
        try:
            return self.graph.run(self._pixels(images))
        except Exception as error:  # each backend has its own for shapes that do not fit
            size = "x".join(map(str, images.shape[1:]))
            raise ModelError(f"{self.file}: the model does not take images of {size}: {first_line(error)}") from None

    def shares(self, images: NDArray[np.uint8]) -> Floats:
        """What each class gets, (n, classes), with few tensors in memory; ModelError for a model without classes."""
        if self.head is None:
            raise ModelError(f"{self.file}: expected a model that tells classes")
        return self.head.shares({self.head.slot: self.graph.value(self._pixels(images), self.head.slot)})

    def _pixels(self, images: NDArray[np.uint8]) -> Any:
        black, white = self.levels
        pixels = images if self.levels == (0, 255) else black + images * np.float32((white - black) / 255)
        return keras.ops.convert_to_tensor(pixels, dtype=self.dtype)

    def map_of(self, convolution: Step) -> tuple[int, tuple[str, ...]]:
        """The slot of a convolution's map, behind the norm and activation that shape it alone, and their names."""
        slot = convolution.outputs[0]
        after: list[str] = []
        while True:
            readers = [step for step in self.graph.steps if slot in step.inputs]
            if len(readers) != 1 or not isinstance(readers[0].operation, _SHAPERS):
                return slot, tuple(after)
            slot = readers[0].outputs[0]
            after.append(readers[0].name)


def shapes(values: Tensors) -> dict[int, Shape]:
    """The shape of each tensor without its batch."""
    return {slot: tuple(value.shape[1:]) for slot, value in values.items()}


def open_model(file: Path, card: ModelCard | None, asked: Levels | None) -> Network:
    """The model of a file with its ``card`` where it has one.

    Pixels go in as ``asked``; else as 0 to 255 into whole numbers or where the model rescales them itself, and as 0
    to 1 into all others, which is what most programs make of them first. ModelError when it is no model of one image
    input, or has no convolution; JobError when what is asked for is not the model's to choose.
    """
    model = load(file)
    if not has_graph(model):
        raise ModelError(f"{file}: expected a functional or sequential Keras model, got {type(model).__name__}")
    tensor = _input(file, model)
    output = next((place for place, one in enumerate(model.outputs) if len(one.shape) == 2), 0)
    graph = _quick(flatten(model, output))
    convolutions = tuple(step for step in graph.steps if isinstance(step.operation, _CONVOLUTIONS))
    if not convolutions:
        raise ModelError(f"{file}: expected a network with convolutions (Conv2D), got a model without one")
    fixed = card is not None or keras.backend.is_int_dtype(tensor.dtype)
    if asked and fixed:
        raise JobError(f"--pixels: {file} takes pixels as they are (0 to 255); leave it out")
    raw = fixed or takes_raw_pixels(tensor.dtype, (step.operation for step in graph.steps))
    levels = asked or ((0.0, 255.0) if raw else (0.0, 1.0))
    trained = f"Trial {card.trial} of the study {card.study}, trained on {card.dataset}." if card else ""
    found = head(graph, len(model.outputs[output].shape))
    width = (model.outputs[output].shape[-1] or 1) if found else 0
    return Network(
        file=file,
        graph=graph,
        head=found,
        convolutions=convolutions,
        shape=card.shape if card else tuple(tensor.shape[1:]),
        dtype=tensor.dtype,
        levels=levels,
        classes=_classes(file, card, 2 if width == 1 else width),
        parameters=parameters(model),
        notes=(trained or _assumed(levels, asked is not None, raw, fixed),),
    )


def _quick(graph: Graph) -> Graph:
    """The graph with grouped convolutions computed as in training, where XLA would compile them anew at every call.

    Measured on two busy cores, ResNeXt-50 of a quarter's width: 0.13 s instead of 0.28 s an image of 28x28.
    """
    if not slow_groups():
        return graph
    quick = {step.operation: _copy(step.operation) for step in graph.steps if _is_grouped(step.operation)}
    steps = [replace(step, operation=quick.get(step.operation, step.operation)) for step in graph.steps]
    return replace(graph, steps=tuple(steps))


def _is_grouped(layer: Any) -> bool:
    return type(layer) is layers.Conv2D and layer.groups > 1 and layer.data_format == "channels_last"


def _copy(layer: Any) -> GroupedConv2D:
    copy: GroupedConv2D = GroupedConv2D.from_config(layer.get_config())
    copy.build((None, None, None, layer.kernel.shape[2] * layer.groups))
    copy.set_weights(layer.get_weights())
    return copy


def _input(file: Path, model: Any) -> Any:
    """The one input, of height, width and 1 or 3 channels."""
    try:
        inputs = model.inputs or []
    except (AttributeError, ValueError):  # a sequential model that was never built
        inputs = []
    if len(inputs) != 1:
        names = f" ({', '.join(one.name for one in inputs)})" if inputs else ""
        raise ModelError(f"{file}: expected a model with one image input, got {len(inputs) or 'no'} inputs{names}")
    if len(inputs[0].shape) != 4 or inputs[0].shape[-1] not in (1, 3):
        raise ModelError(
            f"{file}: expected an input of images, (height, width, 1 or 3 channels), got one of {inputs[0].shape[1:]}"
        )
    return inputs[0]


def _assumed(levels: Levels, asked: bool, raw: bool, fixed: bool) -> str:
    """What is said of pixels that went in as ``levels`` into a model without a card."""
    how = "as asked" if asked else "since the model rescales them" if raw else "since it does not rescale them"
    change = "" if asked or fixed else "; --pixels changes that"
    return f"Pixels went in as {levels[0]:g} (black) to {levels[1]:g} (white), {how}{change}."


def _classes(file: Path, card: ModelCard | None, count: int) -> tuple[str, ...]:
    if card is None:
        return tuple(map(str, range(count)))
    if len(card.classes) != count:
        raise ModelError(
            f"{file}: expected a model with {len(card.classes)} outputs, one a class of its card, got {count}"
        )
    return card.classes
