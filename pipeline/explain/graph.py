"""A Keras model as one flat list of steps, however models are nested in it."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import keras

from pipeline.training.keras_model import calls, has_graph
from pipeline.training.pixels import NAME as PIXELS


@dataclass(frozen=True)
class Slot:
    """Stands for a tensor in the arguments of a step."""

    number: int


@dataclass(frozen=True, eq=False)
class Step:
    """One call of a layer or operation that is not a model; ``inputs`` and ``outputs`` are numbers of slots."""

    name: str
    operation: Any
    args: Any
    kwargs: Any
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Graph:
    """The steps of a model, each after the steps whose outputs it reads.

    Slot 0 is the model's input, slot ``output`` its output.
    """

    steps: tuple[Step, ...]
    output: int

    def run(self, images: Any) -> dict[int, Any]:
        """Every tensor of the model for a batch of images, by slot."""
        return _run(self.steps, {0: images})

    def compute(self, images: Any, slot: int) -> Any:
        """The tensor in one slot; each other tensor is dropped as soon as no later step reads it."""
        last_reader = {number: index for index, step in enumerate(self.steps) for number in step.inputs}
        tensors = {0: images}
        for index, step in enumerate(self.steps):
            if slot in tensors:
                break
            _run([step], tensors)
            tensors = {key: tensors[key] for key in tensors if key == slot or last_reader.get(key, 0) > index}
        return tensors[slot]

    def rerun(self, tensors: Mapping[int, Any], slot: int, tensor: Any) -> dict[int, Any]:
        """The tensors of a run with ``tensor`` in ``slot``; only the steps that depend on that slot run again."""
        return _run(self.dependents(slot), {**tensors, slot: tensor})

    def dependents(self, slot: int) -> tuple[Step, ...]:
        """The steps that depend on a slot, in order."""
        changed, dependents = {slot}, []
        for step in self.steps:
            if changed & set(step.inputs):
                changed |= set(step.outputs)
                dependents.append(step)
        return tuple(dependents)

    def producer(self, slot: int) -> Step | None:
        """The step whose output is in a slot; None for the input."""
        return next((step for step in self.steps if slot in step.outputs), None)


def flatten(model: Any, output: int = 0) -> Graph:
    """The graph of a functional or sequential model with one input; ``output`` is the index of the output to use.

    A nested model of another kind, or a layer that holds other layers, is one step.
    """
    tracing = _Tracing()
    outputs = tracing.trace(model, [Slot(0)], "")
    return Graph(_name_steps(tracing.steps), outputs[output].number)


class _Tracing:
    """Collects steps while slots pass through a model as tensors would."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self._numbers = count(1)

    def trace(self, model: Any, inputs: Sequence[Slot], path: str) -> list[Slot]:
        slots = dict(zip(map(id, model.inputs), inputs, strict=True))  # by the id of the symbolic tensor
        for node in calls(model):
            arguments = tuple(node.arguments.args), dict(node.arguments.kwargs)
            args, kwargs = _substitute(arguments, keras.KerasTensor, id, slots)
            outputs = self._call(node.operation, args, kwargs, len(node.outputs), path)
            slots |= zip(map(id, node.outputs), outputs, strict=True)
        return [slots[id(tensor)] for tensor in model.outputs]

    def _call(self, operation: Any, args: Any, kwargs: Any, output_count: int, path: str) -> list[Slot]:
        inputs = [part for part in keras.tree.flatten((args, kwargs)) if isinstance(part, Slot)]
        if operation.name == PIXELS:  # it only checks and scales, and here the pixels are right
            return inputs
        if has_graph(operation):
            return self.trace(operation, inputs, f"{path}{operation.name}/")
        outputs = [Slot(next(self._numbers)) for _ in range(output_count)]
        numbers = tuple(slot.number for slot in inputs), tuple(slot.number for slot in outputs)
        self.steps.append(Step(path + operation.name, operation, args, kwargs, *numbers))
        return outputs


def _name_steps(steps: Sequence[Step]) -> tuple[Step, ...]:
    """Gives each step a unique name.

    That is the layer's own name if no other step has it, else its path through the nested models. A shared layer is
    called ``name``, ``name#2`` and so on.
    """
    occurrences = Counter(_layer_name(step) for step in steps)
    seen: Counter[str] = Counter()
    named = []
    for step in steps:
        name = _layer_name(step) if occurrences[_layer_name(step)] == 1 else step.name
        seen[name] += 1
        named.append(replace(step, name=name if seen[name] == 1 else f"{name}#{seen[name]}"))
    return tuple(named)


def _layer_name(step: Step) -> str:
    return step.name.rpartition("/")[2]


def _run(steps: Iterable[Step], tensors: dict[int, Any]) -> dict[int, Any]:
    """Runs the steps and puts their outputs into ``tensors``."""
    for step in steps:
        args, kwargs = _substitute((step.args, step.kwargs), Slot, _number, tensors)
        outputs = keras.tree.flatten(step.operation(*args, **kwargs))
        tensors |= zip(step.outputs, outputs, strict=True)
    return tensors


def _number(slot: Slot) -> int:
    return slot.number


def _substitute(arguments: Any, kind: type, key: Callable[[Any], int], replacements: Mapping[int, Any]) -> Any:
    """The arguments of a call with every instance of ``kind`` replaced."""
    return keras.tree.map_structure(lambda part: replacements[key(part)] if isinstance(part, kind) else part, arguments)
