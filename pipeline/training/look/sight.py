"""One image through a network: its shares, maps, receptive field and Grad-CAM; and the network's first filters."""

from collections.abc import Mapping, Sequence

import numpy as np
from keras import layers
from numpy.typing import NDArray

from pipeline.errors import JobError, ModelError, nearest
from pipeline.training.keras_model import array
from pipeline.training.look.field import Shape, field, is_map
from pipeline.training.look.graph import Step
from pipeline.training.look.heat import heat
from pipeline.training.look.network import Network, Tensors, shapes
from pipeline.training.look.seen import Field, Filters, Floats, Heat, Maps, Sight, Unit, Wish

_FILTERS, _DEPTH = 64, 8
"""Filters of the first convolution that are shown, and channels of each where they are no colours."""

_POOLS = (layers.MaxPooling2D, layers.AveragePooling2D)


def filters(network: Network) -> Filters:
    """The kernels of the first convolution; a separable or depthwise one has ``multiplier`` of them a channel."""
    first = network.convolutions[0]
    layer = first.operation
    kernel = array(layer.depthwise_kernel if isinstance(layer, layers.SeparableConv2D) else layer.kernel)
    if isinstance(layer, layers.SeparableConv2D | layers.DepthwiseConv2D):  # one channel a filter
        kernel = kernel.reshape(*kernel.shape[:2], 1, -1)
    _, _, depth, count = kernel.shape
    return Filters(first.name, kernel[:, :, : depth if depth == 3 else _DEPTH, :_FILTERS], count, depth)


def sight(network: Network, image: NDArray[np.uint8], title: str, wish: Wish, label: int | None = None) -> Sight:
    """What the network makes of one image, uint8 (height, width, channels).

    JobError for a unit that is not there, ModelError for a model that gives no numbers.
    """
    values = network.run(image[None])
    known = shapes(values)
    shares = np.zeros(0, np.float32) if network.head is None else network.head.shares(values)[0]
    if not np.isfinite(shares).all():
        raise ModelError(f"{network.file}: expected probabilities, but the model gives NaN; its weights are damaged")
    return Sight(
        title=title,
        image=image,
        shares=shares,
        maps=tuple(_maps(network, values, step, wish.channels) for step in network.convolutions),
        field=_field(network, values, known, wish.unit),
        heats=_heats(network, values, known, _positions(shares, wish.top, label)),
        label=label,
    )


def heat_step(network: Network, known: Mapping[int, Shape]) -> Step:
    """Where Grad-CAM is taken: the last layer of the last convolution's size of map.

    So it stands behind the norm and activation, the sum of a residual block or the joined branches of an inception
    module, and before the pooling of the head.
    """
    last = _last_convolution(network, known)
    found, size = last, known[last.outputs[0]][:2]
    for step in network.graph.after(last.outputs[0]):
        shape = known[step.outputs[0]]
        if is_map(shape) and shape[:2] == size and not isinstance(step.operation, _POOLS):
            found = step
    return found


def _last_convolution(network: Network, known: Mapping[int, Shape]) -> Step:
    """The last one with more than one place, where there is one: a head may hold others."""
    wide = [step for step in network.convolutions if max(known[step.outputs[0]][:2]) > 1]
    return (wide or network.convolutions)[-1]


def _maps(network: Network, values: Tensors, step: Step, channels: int) -> Maps:
    slot, after = network.map_of(step)
    return Maps(step.name, after, array(values[slot])[0, :, :, :channels], int(values[slot].shape[-1]))


def _positions(shares: Floats, top: int, label: int | None) -> list[int]:
    """The classes with the largest shares, and the true one."""
    order = [int(one) for one in np.argsort(-shares, kind="stable")]
    return order[:top] + [one for one in order[top:] if one == label]


def _heats(network: Network, values: Tensors, known: Mapping[int, Shape], positions: Sequence[int]) -> tuple[Heat, ...]:
    if network.head is None:
        return ()
    step, found = heat_step(network, known), network.head
    return tuple(Heat(step.name, one, heat(network.graph, values, found, step.outputs[0], one)) for one in positions)


def _field(network: Network, values: Tensors, known: Mapping[int, Shape], unit: Unit | None) -> Field:
    """The field of the unit asked for, or of the strongest one of the last convolution."""
    step = _last_convolution(network, known) if unit is None else _step(network, known, unit.layer)
    slot = network.map_of(step)[0] if step in network.convolutions else step.outputs[0]
    found = array(values[slot])[0]
    if unit is None:
        row, column, _ = np.unravel_index(int(found.argmax()), found.shape)
        unit = Unit(step.name, int(row), int(column))
    height, width, _ = found.shape
    if not (unit.row < height and unit.column < width):
        raise JobError(
            f"--unit: {unit.layer} has a map of {height}x{width}, so expected a row from 0 to {height - 1} and a "
            f"column from 0 to {width - 1}, got {unit.row},{unit.column}"
        )
    place = unit.row, unit.column
    ((top, bottom), (left, right)), unknown = field(network.graph.steps, known, slot, place)
    rows, columns = field(network.graph.steps, known, slot, place, clip=False)[0]
    side = rows[1] - rows[0] + 1, columns[1] - columns[0] + 1
    channel = int(found[place].argmax())
    return Field(unit, (height, width), channel, (top, left, bottom + 1, right + 1), side, unknown)


def _step(network: Network, known: Mapping[int, Shape], name: str) -> Step:
    maps = {step.name: step for step in network.graph.steps if is_map(known[step.outputs[0]])}
    if name not in maps:
        convolutions = ", ".join(step.name for step in network.convolutions[-8:])
        raise JobError(f"--unit: no layer {name!r} with a map{nearest(name, maps)}; convolutions are {convolutions}")
    return maps[name]
