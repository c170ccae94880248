"""Finds the hyperparameters of a HyperModel, their ranges, and those without effect, by building models. In workers."""

import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import keras
import keras_tuner

from pipeline.data import Dataset
from pipeline.errors import SpaceError
from pipeline.hypermodel.declared import as_listed
from pipeline.hypermodel.loader import explain_errors, hyperparameters_with, load
from pipeline.hypermodel.probe import Probe, as_built, probe
from pipeline.hypermodel.replaced import replaced
from pipeline.hypermodel.source import BuiltModel, HyperModelSource, ListedHyperparameter, Survey
from pipeline.hypermodel.widen import widen
from pipeline.hyperparameter import Params, Scalar
from pipeline.training.memory import forget_models
from pipeline.training.pixel_form import PixelForm
from pipeline.training.pixel_range import find_unadapted

_MAX_COUNT = 100
"""A range of whole numbers that ends at or below this one may count layers, so models are built at both its ends.

Larger ranges are taken for sizes. Models are built at their upper ends too, since the range of another hyperparameter
may follow them, but only once.
"""
_MAX_BUILDS = 100
"""The most models that are built to find all hyperparameters."""
_MAX_WEIGHTS = 100_000_000
"""The weights at which building a model is given up: what it asks for before that is known."""
_SECONDS = 10.0
"""The time for finding hyperparameters without effect; those that are left then count as having one."""
_TRIES = 3
"""The models in which a hyperparameter may have an effect: ``units_2`` has none where there is one layer."""


def survey(source: HyperModelSource, dataset: Dataset, begin: Callable[[], object] = lambda: None) -> Survey:
    """Every hyperparameter, parents before children, and what building models has shown.

    As in KerasTuner's tuners, models are built until each ``conditional_scope`` has been active once. Each option of a
    choice and both ends of a count are built too, since a branch or a loop may use more hyperparameters there, or the
    same ones with other ranges. ``begin`` is called before each model. SpaceError when the model of the default values
    cannot be built or trained, or there are no hyperparameters.
    """
    return _Surveyor(source, dataset, begin).survey()


class _Surveyor:
    def __init__(self, source: HyperModelSource, dataset: Dataset, begin: Callable[[], object]) -> None:
        self._source, self._dataset, self._begin = source, dataset, begin
        self._entries: list[Any] = []
        self._widest: dict[str, ListedHyperparameter] = {}
        self._listed: list[ListedHyperparameter] = []
        self._tried: list[tuple[dict[str, Any], Any]] = []  # values and what they gave
        self._built: list[tuple[dict[str, Any], BuiltModel]] = []
        self._pixels: dict[str, PixelForm] = {}
        self._unadapted: dict[str, None] = {}
        self._ignores_weights = False

    def survey(self) -> Survey:
        declared = keras_tuner.HyperParameters()
        load(self._source).declare_hyperparameters(declared)
        self._note(declared.space)
        visits: list[dict[str, Any]] = [dict(declared.values)]
        for number, params in enumerate(visits):  # grows while hyperparameters and wider ranges are found
            hp = hyperparameters_with(self._active(params))
            with suppress(Exception, SystemExit) if number else explain_errors(self._source, "build"):
                self._try(hp, most_weights=_MAX_WEIGHTS if number else math.inf)
            new = self._note(hp.space)
            scopes = [{condition.name: condition.values[0] for condition in scope} for scope in hp.inactive_scopes]
            for change in [*_covering_params(new), *_upper_ends(new), *scopes]:
                following = self._active(hp.values | change)
                if following not in visits and len(visits) < _MAX_BUILDS:
                    visits.append(following)
        if not self._listed:
            raise SpaceError(
                f"{self._source}: it has no hyperparameters; declare some with hp.Int, hp.Float, hp.Choice"
            )
        pixels, built, unadapted = (tuple(self._pixels.values()), tuple(self._built), tuple(self._unadapted))
        return Survey(tuple(self._listed), tuple(self._idle()), pixels, built, unadapted, self._ignores_weights)

    def _active(self, params: Params) -> dict[str, Any]:
        """``params`` without those whose conditions do not hold."""
        active: dict[str, Any] = {}
        for entry in self._entries:
            if entry.name in params and all(condition.is_active(active) for condition in entry.conditions):
                active[entry.name] = params[entry.name]
        return active

    def _try(self, hp: Any, most_weights: float) -> None:
        """Builds a model, whose traits and pixels are kept; if it fails, ``hp`` still lists what it used until then."""
        with forget_models(), _at_most(most_weights):
            found = self._probe(hp)
            self._pixels.setdefault(found.pixels.range, found.pixels)
            self._ignores_weights |= not found.weighted
            if name := find_unadapted(found.model):
                self._unadapted[name] = None
            self._tried.append((dict(hp.values), _traits(hp, found)))
            self._built.append((dict(hp.values), as_built(self._source, hp, found)))

    def _probe(self, hp: Any) -> Probe:
        self._begin()
        return probe(self._source, self._dataset, hp)

    def _note(self, entries: Iterable[Any]) -> list[Any]:
        """Adds what is new: names, conditions, wider ranges. Returns the entries with these."""
        new = []
        for entry in entries:
            listed = as_listed(entry)
            if listed in self._listed:
                continue
            known = self._widest.get(entry.name)
            wider = listed if known is None else widen(known, listed)
            if known == wider and any(listed.when == other.when for other in self._listed if other.name == entry.name):
                continue
            self._widest[entry.name] = wider or listed
            self._entries.append(entry)
            self._listed.append(listed)
            new.append(entry)
        return new

    def _idle(self) -> Iterator[str]:
        """The hyperparameters whose values have changed nothing."""
        end = time.monotonic() + _SECONDS
        for name, listed in self._widest.items():
            tried = [(values, traits) for values, traits in self._tried if name in values]
            others = [(values, traits, _another(listed, values[name])) for values, traits in reversed(tried)]
            changes = [(values | {name: other}, traits) for values, traits, other in others if other is not None]
            if changes and time.monotonic() < end and all(map(self._is_same, changes[:_TRIES])):
                yield name

    def _is_same(self, change: tuple[dict[str, Any], Any]) -> bool:
        """Whether a model of these values can be built and has these traits."""
        values, traits = change
        try:
            with forget_models(), _at_most(_MAX_WEIGHTS):
                hp = hyperparameters_with(values)
                return bool(_traits(hp, self._probe(hp)) == traits)
        except (Exception, SystemExit):
            return False


def _traits(hp: Any, found: Probe) -> list[Any]:
    """Everything that a value may affect: the model, its training, and the other hyperparameters with their ranges."""
    return [*found.traits(), [as_listed(entry) for entry in hp.space if hp.is_active(entry)]]


class _TooLargeError(Exception):
    """Raised in place of building the rest of a model."""


@contextmanager
def _at_most(most_weights: float) -> Iterator[None]:
    """_TooLargeError in the block for a layer with which there are more weights than that."""
    add_weight, total = keras.layers.Layer.add_weight, 0

    def count_and_add(layer: Any, shape: Any = None, *args: Any, **kwargs: Any) -> Any:
        nonlocal total
        total += math.prod(shape or ())
        if total > most_weights:
            raise _TooLargeError
        return add_weight(layer, shape, *args, **kwargs)

    with replaced(keras.layers.Layer, "add_weight", count_and_add):
        yield


def _covering_params(new: list[Any]) -> list[dict[str, Any]]:
    """A few configurations that together contain each option of each of the ``new`` hyperparameters."""
    all_options = {entry.name: options for entry in new if (options := _options(as_listed(entry)))}
    longest = max(map(len, all_options.values()), default=0)
    return [{name: options[turn % len(options)] for name, options in all_options.items()} for turn in range(longest)]


def _options(entry: ListedHyperparameter) -> list[Any]:
    if entry.kind == "int" and entry.high <= _MAX_COUNT:
        return [entry.high, entry.low]
    return list(entry.options)


def _upper_ends(new: list[Any]) -> list[dict[str, Any]]:
    """The configuration with the upper ends of all ranges that are not counts, if there are any."""
    entries = [as_listed(entry) for entry in new]
    ends = {entry.name: entry.high for entry in entries if entry.kind in ("int", "float") and not _options(entry)}
    return [ends] if ends else []


def _another(entry: ListedHyperparameter, value: Scalar) -> Scalar | None:
    """Another value of a hyperparameter, near if it is a whole number; None if there is none."""
    if entry.kind in ("choice", "fixed"):
        return next((option for option in entry.options if option != value), None)
    if entry.kind == "float":
        return next((float(end) for end in (entry.low, entry.high) if end != value), None)
    step = int(entry.step or 1)
    near = (int(value) - step, int(value) + step)
    return next((number for number in near if entry.low <= number <= entry.high), None)
