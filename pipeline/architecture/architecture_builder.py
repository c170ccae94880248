"""Builds an architecture layer by layer."""

from pipeline.architecture.architecture import Architecture
from pipeline.architecture.layer import INPUT, LOGITS, Layer
from pipeline.architecture.op import Infeasible, Op, Shape
from pipeline.architecture.ops import Dense, Image


class ArchitectureBuilder:
    """An architecture that grows. The shape and the costs of a layer are known as soon as it is added.

    >>> from pipeline.architecture.ops import Conv, Flatten
    >>> builder = ArchitectureBuilder((28, 28, 1), classes=10)
    >>> last = builder.add("conv", Conv(filters=8, kernel=3))
    >>> last = builder.add("head", Flatten())
    >>> [(layer.name, layer.shape, layer.parameters) for layer in builder.finish().layers]
    [('conv', (28, 28, 8), 80), ('head', (6272,), 0), ('logits', (10,), 62730)]
    """

    def __init__(self, input_shape: tuple[int, int, int], classes: int) -> None:
        self._input_shape, self._classes = input_shape, classes
        self._layers = {INPUT: Layer(INPUT, Image(), (), input_shape)}
        self._last = INPUT

    def shape(self, name: str) -> Shape:
        """The shape of a layer's output."""
        return self._layers[name].shape

    def add(self, name: str, op: Op, *inputs: str) -> str:
        """Adds ``op`` after the named layers (by default the one added last) and returns its name.

        Infeasible, with the layer's name in front, when the op has no output there. ValueError for a name that is
        taken, an input that is not there yet, or inputs of a wrong number or rank.
        """
        inputs = inputs or (self._last,)
        if name in self._layers or not set(inputs) <= self._layers.keys():
            raise ValueError(f"layer {name}: its name is taken, or one of its inputs {inputs} is not there yet")
        try:
            self._layers[name] = _layer(name, op, [self._layers[source] for source in inputs])
        except Infeasible as error:
            raise Infeasible(f"{name}: {error.reason}", error.kind) from None
        self._last = name
        return name

    def finish(self) -> Architecture:
        """Adds the logits, one per class, after the layer added last, and returns the architecture."""
        self.add(LOGITS, Dense(self._classes))
        _, *layers = self._layers.values()
        return Architecture(self._input_shape, self._classes, tuple(layers))


def _layer(name: str, op: Op, inputs: list[Layer]) -> Layer:
    shapes = [layer.shape for layer in inputs]
    field, jump = _receptive_field(op, inputs)
    return Layer(
        name=name,
        op=op,
        inputs=tuple(layer.name for layer in inputs),
        shape=op.shape(shapes),
        parameters=op.parameters(shapes),
        non_trainable=op.non_trainable(shapes),
        macs=op.macs(shapes),
        receptive_field=field,
        jump=jump,
    )


def _receptive_field(op: Op, inputs: list[Layer]) -> tuple[int | None, int]:
    """Side and jump after ``op``: a window of size k widens the side by k - 1 jumps, its stride multiplies the jump."""
    window, jump = op.window(), max(layer.jump for layer in inputs)
    fields = [layer.receptive_field for layer in inputs if layer.receptive_field is not None]
    if window is None or len(fields) < len(inputs):
        return None, jump
    size, stride = window
    return max(fields) + (size - 1) * jump, jump * stride
