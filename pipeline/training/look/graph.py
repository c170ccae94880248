"""A Keras model as one flat list of steps, whatever models are nested in it."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import keras

from pipeline.training.keras_model import calls, has_graph


@dataclass(frozen=True)
class Slot:
    """Stands for a tensor in the arguments of a step."""

    number: int


@dataclass(frozen=True, eq=False)
class Step:
    """One call of a layer or operation, that is no model itself; ``inputs`` and ``outputs`` are numbers of slots."""

    name: str
    operation: Any
    args: Any
    kwargs: Any
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Graph:
    """Steps, each after the ones it reads. Slot 0 is the model's input, ``output`` its output."""

    steps: tuple[Step, ...]
    output: int

    def run(self, image: Any) -> dict[int, Any]:
        """Every tensor on the way, by slot; ``image`` is a batch."""
        return _run(self.steps, {0: image})

    def value(self, image: Any, slot: int) -> Any:
        """The tensor in one slot; the others are dropped as soon as no step reads them any more."""
        last = {number: place for place, step in enumerate(self.steps) for number in step.inputs}
        values = {0: image}
        for place, step in enumerate(self.steps):
            if slot in values:
                break
            found = _run([step], values)
            values = {number: found[number] for number in found if number == slot or last.get(number, 0) > place}
        return values[slot]

    def again(self, values: dict[int, Any], slot: int, value: Any) -> dict[int, Any]:
        """The tensors when ``value`` stands in ``slot``: what does not depend on it stays as it is in ``values``."""
        return _run(self.after(slot), {**values, slot: value})

    def after(self, slot: int) -> tuple[Step, ...]:
        """The steps that depend on a slot, in order."""
        changed, found = {slot}, []
        for step in self.steps:
            if changed & set(step.inputs):
                changed |= set(step.outputs)
                found.append(step)
        return tuple(found)

    def source(self, slot: int) -> Step | None:
        """The step that fills a slot; None for the input."""
        return next((step for step in self.steps if slot in step.outputs), None)


def flatten(model: Any, output: int = 0) -> Graph:
    """The steps of a functional or sequential model with one input; ``output`` says which of its outputs is meant.

    A model of another kind within it, or a layer that holds others, is one step.
    """
    tracing = _Tracing()
    outputs = tracing.model(model, [Slot(0)], "")
    return Graph(_named(tracing.steps), outputs[output].number)


class _Tracing:
    """Collects steps while slots go through a model as tensors would."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self._numbers = count(1)

    def model(self, model: Any, inputs: Sequence[Slot], path: str) -> list[Slot]:
        known = dict(zip(map(id, model.inputs), inputs, strict=True))  # by the symbolic tensor
        for node in calls(model):
            given = tuple(node.arguments.args), dict(node.arguments.kwargs)
            args, kwargs = _replaced(given, keras.KerasTensor, id, known)
            slots = self._call(node.operation, args, kwargs, len(node.outputs), path)
            known |= zip(map(id, node.outputs), slots, strict=True)
        return [known[id(tensor)] for tensor in model.outputs]

    def _call(self, operation: Any, args: Any, kwargs: Any, outputs: int, path: str) -> list[Slot]:
        inputs = [part for part in keras.tree.flatten((args, kwargs)) if isinstance(part, Slot)]
        if has_graph(operation):
            return self.model(operation, inputs, f"{path}{operation.name}/")
        slots = [Slot(next(self._numbers)) for _ in range(outputs)]
        numbers = tuple(slot.number for slot in inputs), tuple(slot.number for slot in slots)
        self.steps.append(Step(path + operation.name, operation, args, kwargs, *numbers))
        return slots


def _named(steps: Sequence[Step]) -> tuple[Step, ...]:
    """Steps under their layers' own names, with the models they stand in where that tells two apart, else numbered."""
    short = Counter(step.name.rpartition("/")[2] for step in steps)
    seen: Counter[str] = Counter()
    named = []
    for step in steps:
        own = step.name.rpartition("/")[2]
        name = own if short[own] == 1 else step.name
        seen[name] += 1
        named.append(replace(step, name=name if seen[name] == 1 else f"{name}#{seen[name]}"))
    return tuple(named)


def _run(steps: Iterable[Step], values: dict[int, Any]) -> dict[int, Any]:
    for step in steps:
        args, kwargs = _replaced((step.args, step.kwargs), Slot, _number, values)
        found = keras.tree.flatten(step.operation(*args, **kwargs))
        values |= zip(step.outputs, found, strict=True)
    return values


def _number(slot: Slot) -> int:
    return slot.number


def _replaced(arguments: Any, kind: type, key: Callable[[Any], int], known: Mapping[int, Any]) -> Any:
    """The arguments of a call with what is ``known`` in place of everything of a kind."""
    return keras.tree.map_structure(lambda part: known[key(part)] if isinstance(part, kind) else part, arguments)
