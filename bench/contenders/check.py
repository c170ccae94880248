"""Compares the networks and the training of a space file with those of ``peer.build``, at random points."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from contenders import peer

from pipeline import space as spaces
from pipeline.architecture import FAMILIES, Architecture
from pipeline.architecture.op import Infeasible
from pipeline.hyperparameter import Params
from pipeline.recipe import Recipe
from pipeline.training.build import build_training_model
from pipeline.training.optimizer import make_optimizer

_KINDS = {"Conv2D": "Conv", "BatchNormalization": "BatchNorm", "ReLU": "Activation", "MaxPooling2D": "Pool"}
"""The ops of convtune, by their names in Keras where those differ."""


class RandomHp:
    """Answers the questions of ``peer.build`` at random, and remembers the answers."""

    def __init__(self, random: np.random.Generator) -> None:
        self._random, self.values = random, dict[str, Any]()

    def _answer(self, name: str, value: Any) -> Any:
        return self.values.setdefault(name, value)

    def Int(self, name: str, low: int, high: int) -> Any:
        """A whole number."""
        return self._answer(name, int(self._random.integers(low, high + 1)))

    def Choice(self, name: str, values: list[Any]) -> Any:
        """One of the values."""
        return self._answer(name, values[self._random.integers(len(values))])

    def Boolean(self, name: str) -> Any:
        """False or True."""
        return self._answer(name, bool(self._random.integers(2)))

    def Float(self, name: str, low: float, high: float, step: float | None = None, sampling: str = "linear") -> Any:
        """A number."""
        if step is not None:
            return self._answer(name, round(low + step * int(self._random.integers(round((high - low) / step) + 1)), 9))
        return self._answer(name, float(np.exp(self._random.uniform(np.log(low), np.log(high)))))


def params_of(values: dict[str, Any]) -> Params:
    """The params of the space file for a point of ``peer.build``."""
    params: dict[str, Any] = {name: values[name] for name in ("blocks", "fc_layers", "dropout", "optimizer")}
    params |= {"learning_rate": values["learning_rate"], "norm": "batch" if values["batch_norm"] else "none"}
    for block in range(values["blocks"]):
        params |= {f"{name}_{block + 1}": values[f"{name}_{block}"] for name in ("filters", "kernel", "stride")}
    return params | {f"fc_width_{layer + 1}": values[f"fc_{layer}"] for layer in range(values["fc_layers"])}


def compare(points: int, file: Path) -> str:
    """How many points are the same, and what differs in the others."""
    space, random = spaces.load(str(file)), np.random.default_rng(0)
    found: Counter[str] = Counter()
    for _ in range(points):
        hp = RandomHp(random)
        model = peer.build(hp)
        params = space.constants | params_of(hp.values)
        outside = [entry.name for entry in space.searched if not _covers(entry, params)]
        assert not outside, f"not in {file.name}: {outside} of {params}"
        try:
            architecture = FAMILIES["plain"].build(params, peer.SHAPE, peer.CLASSES)
        except Infeasible as error:
            found[f"no network in convtune: {error.kind}"] += 1
            continue
        found.update(differences(layers_of(model), ops_of(architecture)) or ["the same, layer by layer"])
        found.update(recipe_differences(model, architecture, Recipe.from_params(params)))
    return "\n".join(f"{count / points:5.1%}  {what}" for what, count in found.most_common())


def _covers(entry: Any, params: Params) -> bool:
    keys = [key for key in params if key == entry.name or key.rsplit("_", 1)[0] == entry.name]
    return all(entry.domain.contains(params[key]) for key in keys)


Described = list[tuple[str, tuple[Any, ...], int]]
"""For each layer its kind, the shape of its output for one image, and how many weights it trains."""


def layers_of(model: Any) -> Described:
    """The layers of a Keras model; a dense layer's own activation counts as one."""
    described: Described = []
    for layer in model.layers:
        kind = type(layer).__name__
        count = sum(int(np.prod(weight.shape)) for weight in layer.trainable_weights)
        if kind != "Dropout" or layer.rate:
            described.append((_KINDS.get(kind, kind), tuple(layer.output.shape[1:]), count))
        if kind == "Dense" and layer.activation.__name__ == "relu":
            described.append(("Activation", tuple(layer.output.shape[1:]), 0))
    return described


def ops_of(architecture: Architecture) -> Described:
    """The layers of an architecture."""
    return [(type(layer.op).__name__, layer.shape, layer.parameters) for layer in architecture.layers]


def differences(theirs: Described, ours: Described) -> list[str]:
    """One line per kind of difference; [] if there is none."""
    found = set()
    if len(ours) > len(theirs):
        found.add("convtune drops out after each dense layer, not only after the last")
        theirs, ours = ([layer for layer in layers if layer[0] != "Dropout"] for layers in (theirs, ours))
    for (kind, shape, weights), (our_kind, our_shape, our_weights) in zip(theirs, ours, strict=True):
        if (kind, shape) != (our_kind, our_shape):
            found.add(f"{kind} {shape} is {our_kind} {our_shape}")
        elif weights != our_weights:
            bias = weights - our_weights == shape[-1] and kind == "Conv"
            found.add("convtune has no bias before batch norm" if bias else f"{weights} weights, {our_weights} here")
    return sorted(found)


def recipe_differences(model: Any, architecture: Architecture, recipe: Recipe) -> list[str]:
    """One line per setting of the training that differs."""
    own = build_training_model(architecture, scale=[1.0] * peer.SHAPE[2], offset=[0.0] * peer.SHAPE[2])
    theirs, ours = settings_of(model, model.optimizer), settings_of(own, make_optimizer(recipe, steps=1))
    found = [f"{name}: {ours[name]}, of the peers {theirs[name]}" for name in theirs if theirs[name] != ours.get(name)]
    return found + ["averaged weights are validated and saved"] * bool(recipe.ema)


def settings_of(model: Any, optimizer: Any) -> dict[str, Any]:
    """Initial weights of the layers, batch norm's momentum, and the optimizer's settings but for its name and rate."""
    settings: dict[str, Any] = {}
    for layer in model.layers:
        if hasattr(layer, "kernel_initializer"):
            kind = "convolutions" if "Conv" in type(layer).__name__ else "dense layers"
            settings[f"first weights of {kind}"] = type(layer.kernel_initializer).__name__
        if "BatchNorm" in type(layer).__name__:
            settings["momentum of batch norm"] = layer.momentum
    kind, names = type(optimizer).__name__, ("momentum", "nesterov", "beta_1", "beta_2", "epsilon")
    return settings | {f"{kind}'s {name}": getattr(optimizer, name) for name in names if hasattr(optimizer, name)}
