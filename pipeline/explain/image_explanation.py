"""Explains one image: probabilities, activation maps, receptive field, Grad-CAM. Also shows the model's filters."""

from collections.abc import Mapping, Sequence

import numpy as np
from keras import layers
from numpy.typing import NDArray

from pipeline.errors import JobError, ModelError, nearest
from pipeline.explain.explained_model import ExplainedModel, Tensors, shapes
from pipeline.explain.explanation import (
    ActivationMaps,
    ClassHeatmap,
    ExplainOptions,
    Filters,
    Floats,
    ImageExplanation,
    ReceptiveField,
    Unit,
)
from pipeline.explain.grad_cam import grad_cam
from pipeline.explain.graph import Step
from pipeline.explain.receptive_field import Shape, is_map, receptive_field
from pipeline.training.keras_model import to_array

_FILTERS = 64
"""Filters of the first convolution that are shown."""

_FILTER_CHANNELS = 8
"""Input channels of a filter that are shown if they are not colours."""

_NAMED_CONVOLUTIONS = 8
"""Convolutions that an error names."""

_POOLING = (layers.MaxPooling2D, layers.AveragePooling2D)


def first_filters(model: ExplainedModel) -> Filters:
    """The kernels of the first convolution.

    A separable or depthwise convolution has ``depth_multiplier`` filters per input channel, each of depth 1.
    """
    step = model.convolutions[0]
    layer = step.operation
    kernels = to_array(layer.depthwise_kernel if isinstance(layer, layers.SeparableConv2D) else layer.kernel)
    if isinstance(layer, layers.SeparableConv2D | layers.DepthwiseConv2D):
        kernels = kernels.reshape(*kernels.shape[:2], 1, -1)
    _, _, depth, count = kernels.shape
    channels = depth if depth == 3 else _FILTER_CHANNELS
    return Filters(step.name, kernels[:, :, :channels, :_FILTERS], count, depth)


def explain_image(
    model: ExplainedModel, image: NDArray[np.uint8], title: str, options: ExplainOptions, label: int | None = None
) -> ImageExplanation:
    """Explains what the model predicts for one image, uint8 (height, width, channels).

    JobError for a unit that does not exist, ModelError for a model that gives NaN.
    """
    tensors = model.run(image[None])
    map_shapes = shapes(tensors)
    probabilities = np.zeros(0, np.float32) if model.head is None else model.head.probabilities(tensors)[0]
    if not np.isfinite(probabilities).all():
        raise ModelError(f"{model.file}: expected probabilities, but the model gives NaN; its weights are damaged")
    return ImageExplanation(
        title=title,
        image=image,
        probabilities=probabilities,
        activation_maps=tuple(_activation_maps(model, tensors, step, options.channels) for step in model.convolutions),
        receptive_field=_receptive_field(model, tensors, map_shapes, options.unit),
        heatmaps=_heatmaps(model, tensors, map_shapes, _explained_classes(probabilities, options.top, label)),
        label=label,
    )


def grad_cam_step(model: ExplainedModel, map_shapes: Mapping[int, Shape]) -> Step:
    """The step at whose output Grad-CAM is taken: the last one whose map has the size of the last convolution's.

    This is behind the normalization and activation, behind the sum of a residual block or the concatenation of an
    inception module, and before the pooling of the head.
    """
    chosen = _last_convolution(model, map_shapes)
    size = map_shapes[chosen.outputs[0]][:2]
    for step in model.graph.dependents(chosen.outputs[0]):
        shape = map_shapes[step.outputs[0]]
        if is_map(shape) and shape[:2] == size and not isinstance(step.operation, _POOLING):
            chosen = step
    return chosen


def _last_convolution(model: ExplainedModel, map_shapes: Mapping[int, Shape]) -> Step:
    """The last convolution whose map is larger than 1x1, if there is one: a head may hold convolutions of 1x1 maps."""
    larger = [step for step in model.convolutions if max(map_shapes[step.outputs[0]][:2]) > 1]
    return (larger or model.convolutions)[-1]


def _activation_maps(model: ExplainedModel, tensors: Tensors, step: Step, channels: int) -> ActivationMaps:
    slot, after = model.activation(step)
    return ActivationMaps(step.name, after, to_array(tensors[slot])[0, :, :, :channels], int(tensors[slot].shape[-1]))


def _explained_classes(probabilities: Floats, top: int, label: int | None) -> list[int]:
    """The indices of the ``top`` most probable classes, and of the true class."""
    order = [int(index) for index in np.argsort(-probabilities, kind="stable")]
    return order[:top] + [index for index in order[top:] if index == label]


def _heatmaps(
    model: ExplainedModel, tensors: Tensors, map_shapes: Mapping[int, Shape], class_indices: Sequence[int]
) -> tuple[ClassHeatmap, ...]:
    if model.head is None:
        return ()
    head, step = model.head, grad_cam_step(model, map_shapes)
    return tuple(
        ClassHeatmap(step.name, index, grad_cam(model.graph, tensors, head, step.outputs[0], index))
        for index in class_indices
    )


def _receptive_field(
    model: ExplainedModel, tensors: Tensors, map_shapes: Mapping[int, Shape], unit: Unit | None
) -> ReceptiveField:
    """The receptive field of ``unit``, or of the strongest unit of the last convolution."""
    step = _last_convolution(model, map_shapes) if unit is None else _find_step(model, map_shapes, unit.layer)
    slot = model.activation(step)[0] if step in model.convolutions else step.outputs[0]
    activations = to_array(tensors[slot])[0]
    if unit is None:
        row, column, _ = np.unravel_index(int(activations.argmax()), activations.shape)
        unit = Unit(step.name, int(row), int(column))
    height, width, _ = activations.shape
    if not (unit.row < height and unit.column < width):
        raise JobError(
            f"--unit: {unit.layer} has a map of {height}x{width}, so expected a row from 0 to {height - 1} and a "
            f"column from 0 to {width - 1}, got {unit.row},{unit.column}"
        )
    position = unit.row, unit.column
    steps, channel = model.graph.steps, int(activations[position].argmax())
    ((top, bottom), (left, right)), unknown = receptive_field(steps, map_shapes, slot, position)
    rows, columns = receptive_field(steps, map_shapes, slot, position, clip=False)[0]
    size = rows[1] - rows[0] + 1, columns[1] - columns[0] + 1
    return ReceptiveField(unit, (height, width), channel, (top, left, bottom + 1, right + 1), size, unknown)


def _find_step(model: ExplainedModel, map_shapes: Mapping[int, Shape], name: str) -> Step:
    """The step of that name; JobError if there is none with a map."""
    steps = {step.name: step for step in model.graph.steps if is_map(map_shapes[step.outputs[0]])}
    if name not in steps:
        convolutions = ", ".join(step.name for step in model.convolutions[-_NAMED_CONVOLUTIONS:])
        raise JobError(f"--unit: no layer {name!r} with a map{nearest(name, steps)}; convolutions are {convolutions}")
    return steps[name]
