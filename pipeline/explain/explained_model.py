"""A model file opened for an explanation: its steps, its convolutions, and how it takes images."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from pipeline.errors import JobError, ModelError, first_line
from pipeline.explain.explanation import Floats, PixelRange
from pipeline.explain.graph import Graph, Step, flatten
from pipeline.explain.head import Head, find_head
from pipeline.explain.receptive_field import Shape
from pipeline.study.model_metadata import ModelMetadata
from pipeline.training.grouped import GroupedConv2D, groups_are_slow
from pipeline.training.keras_model import count_parameters, has_graph
from pipeline.training.pixel_form import PIXEL_RANGES, PixelForm, UnclearPixelsError
from pipeline.training.pixel_range import choose_pixels
from pipeline.training.save import load

Tensors = Mapping[int, Any]
"""Every tensor of one run of the model, by the number of its slot in the graph."""

_CONVOLUTIONS = (layers.Conv2D, layers.DepthwiseConv2D, layers.SeparableConv2D)

_ACTIVATIONS = (
    layers.BatchNormalization, layers.LayerNormalization, layers.GroupNormalization, layers.Activation, layers.ReLU,
    layers.LeakyReLU, layers.ELU, layers.PReLU,
)  # fmt: skip
"""Layers after a convolution that are applied before its map is shown, since later layers see their output."""


_ANY_SIDE = 64
"""The side, in pixels, of an image for a model that takes any."""


@dataclass(frozen=True, eq=False)
class ExplainedModel:
    """A model as a graph of steps.

    ``head`` is None for a model without classes. ``shape`` is (height, width, channels) of the images; None stands
    for any height or width. ``classes`` are the names of the classes, or their indices as text if there are none.
    """

    file: Path
    graph: Graph
    head: Head | None
    convolutions: tuple[Step, ...]
    shape: tuple[int | None, int | None, int]
    dtype: str
    pixel_range: PixelRange
    classes: tuple[str, ...]
    parameters: int
    notes: tuple[str, ...]

    def run(self, images: NDArray[np.uint8]) -> Tensors:
        """Every tensor for a batch of images; ModelError if the model does not take them."""
        try:
            return self.graph.run(self._input(images))
        except Exception as error:  # each backend raises its own error for shapes that do not fit
            size = "x".join(map(str, images.shape[1:]))
            raise ModelError(f"{self.file}: the model does not take images of {size}: {first_line(error)}") from None

    def predict(self, images: NDArray[np.uint8]) -> Floats:
        """The probability of each class, (n, classes). It holds few tensors in memory at once.

        ModelError for a model without classes.
        """
        if self.head is None:
            raise ModelError(f"{self.file}: expected a model that classifies images")
        scores = self.graph.compute(self._input(images), self.head.slot)
        return self.head.probabilities({self.head.slot: scores})

    def _input(self, images: NDArray[np.uint8]) -> Any:
        black, white = self.pixel_range
        pixels = images if self.pixel_range == (0, 255) else black + images * np.float32((white - black) / 255)
        return keras.ops.convert_to_tensor(pixels, dtype=self.dtype)

    def activation(self, convolution: Step) -> tuple[int, tuple[str, ...]]:
        """The slot of a convolution's map after its normalization and activation layers, and the names of these."""
        slot = convolution.outputs[0]
        names: list[str] = []
        while True:
            readers = [step for step in self.graph.steps if slot in step.inputs]
            if len(readers) != 1 or not isinstance(readers[0].operation, _ACTIVATIONS):
                return slot, tuple(names)
            slot = readers[0].outputs[0]
            names.append(readers[0].name)


def shapes(tensors: Tensors) -> dict[int, Shape]:
    """The shape of each tensor without its batch axis, by slot."""
    return {slot: tuple(tensor.shape[1:]) for slot, tensor in tensors.items()}


def open_model(file: Path, metadata: ModelMetadata | None, pixel_range: PixelRange | None) -> ExplainedModel:
    """Opens a model file; ``metadata`` is None for a model from another program.

    Pixels enter the model in ``pixel_range`` if it is given. Otherwise they stay 0 to 255 if convtune wrote the model,
    it takes whole numbers or it rescales them itself, and become 0 to 1 for all other models, as in most programs.

    ModelError if it is not a model with one image input, or has no convolution. JobError if ``pixel_range`` is given
    for a model of convtune or one that takes whole numbers.
    """
    model = load(file)
    if not has_graph(model):
        raise ModelError(f"{file}: expected a functional or sequential Keras model, got {type(model).__name__}")
    tensor = _image_input(file, model)
    output = next((index for index, tensor in enumerate(model.outputs) if len(tensor.shape) == 2), 0)
    graph = _with_fast_groups(flatten(model, output))
    convolutions = tuple(step for step in graph.steps if isinstance(step.operation, _CONVOLUTIONS))
    if not convolutions:
        raise ModelError(f"{file}: expected a network with convolutions (Conv2D), got a model without one")
    fixed = metadata is not None or keras.backend.is_int_dtype(tensor.dtype)
    if pixel_range and fixed:
        raise JobError(f"--pixels: {file} takes pixels as they are (0 to 255); leave it out")
    notes = [_origin(metadata)] if metadata else []
    used_range: PixelRange = (0.0, 255.0)
    if metadata is None:
        form = _pixel_form(model, tensor)
        used_range = pixel_range or (0.0, 255 / form.divisor)
        notes.append(_assumption(used_range, "as requested" if pixel_range else form.reason, fixed))
    head = find_head(graph, len(model.outputs[output].shape))
    width = (model.outputs[output].shape[-1] or 1) if head else 0
    return ExplainedModel(
        file=file,
        graph=graph,
        head=head,
        convolutions=convolutions,
        shape=metadata.shape if metadata else tuple(tensor.shape[1:]),
        dtype=tensor.dtype,
        pixel_range=used_range,
        classes=_class_names(file, metadata, 2 if width == 1 else width),
        parameters=count_parameters(model),
        notes=tuple(notes),
    )


def _with_fast_groups(graph: Graph) -> Graph:
    """The graph with grouped convolutions computed as in training; XLA would compile them again at every call.

    A ResNeXt-50 of a quarter of its width takes 0.13 s instead of 0.28 s per 28x28 image (measured, two busy cores).
    """
    if not groups_are_slow():
        return graph
    fast = {step.operation: _fast_copy(step.operation) for step in graph.steps if _is_grouped(step.operation)}
    steps = [replace(step, operation=fast.get(step.operation, step.operation)) for step in graph.steps]
    return replace(graph, steps=tuple(steps))


def _is_grouped(layer: Any) -> bool:
    return type(layer) is layers.Conv2D and layer.groups > 1 and layer.data_format == "channels_last"


def _fast_copy(layer: Any) -> GroupedConv2D:
    copy: GroupedConv2D = GroupedConv2D.from_config(layer.get_config())
    copy.build((None, None, None, layer.kernel.shape[2] * layer.groups))
    copy.set_weights(layer.get_weights())
    return copy


def _image_input(file: Path, model: Any) -> Any:
    """The symbolic tensor of the only input, (batch, height, width, 1 or 3 channels); ModelError for other models."""
    try:
        inputs = model.inputs or []
    except (AttributeError, ValueError):  # a sequential model that was never built
        inputs = []
    if len(inputs) != 1:
        names = f" ({', '.join(tensor.name for tensor in inputs)})" if inputs else ""
        raise ModelError(f"{file}: expected a model with one image input, got {len(inputs) or 'no'} inputs{names}")
    if len(inputs[0].shape) != 4 or inputs[0].shape[-1] not in (1, 3):
        raise ModelError(
            f"{file}: expected an input of images, (height, width, 1 or 3 channels), got {inputs[0].shape[1:]}"
        )
    return inputs[0]


def _origin(metadata: ModelMetadata) -> str:
    return f"Trial {metadata.trial} of the study {metadata.study}, trained on {metadata.dataset}."


def _pixel_form(model: Any, image: Any) -> PixelForm:
    """The range of pixels that a model from another program takes, 0 to 1 if it does not tell; reasons for people."""
    try:
        height, width, channels = (size or _ANY_SIDE for size in image.shape[1:])
        form = choose_pixels(model, (height, width, channels))
        return PixelForm(form.range, f"since {form.reason}")
    except UnclearPixelsError as error:
        return PixelForm(next(iter(PIXEL_RANGES)), f"though {error}")


def _assumption(pixel_range: PixelRange, reason: str, fixed: bool) -> str:
    """A sentence about the pixel range that was used for a model from another program."""
    black, white = pixel_range
    advice = "" if reason == "as requested" or fixed else "; --pixels changes that"
    return f"Pixels entered the model as {black:g} (black) to {white:g} (white), {reason}{advice}."


def _class_names(file: Path, metadata: ModelMetadata | None, count: int) -> tuple[str, ...]:
    if metadata is None:
        return tuple(map(str, range(count)))
    if len(metadata.classes) != count:
        raise ModelError(
            f"{file}: expected a model with {len(metadata.classes)} outputs, one per class of its metadata, got {count}"
        )
    return metadata.classes
