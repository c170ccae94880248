"""Reads the hyperparameters of a HyperModel by building it, and judges values by building them. In workers only."""

import gc
import traceback
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from typing import Any

import keras
import keras_tuner
from keras_tuner.engine import hyperparameters as kinds
from keras_tuner.errors import FatalError

from pipeline.errors import SpaceError
from pipeline.hyperparameter import Conditions, Scalar, Values
from pipeline.training.hypermodel import model as models
from pipeline.training.hypermodel.source import (
    asked,
    build,
    explained,
    fits_itself,
    load,
    member,
    source,
    takes_data,
    told,
)
from pipeline.training.hypermodel.task import Blueprint, Built, Listed, Opened
from pipeline.training.keras_model import parameters
from pipeline.training.memory import forgetting

_COUNTS = 100
"""Whole numbers up to here may count layers, so their ends are visited; larger ones are sizes, and large to build."""
_BUILDS = 100
"""Models that are built at most to find all hyperparameters."""


def opened(blueprint: Blueprint) -> Opened:
    """Where the source is and what images its model takes, before those are known; SpaceError when it cannot be had."""
    _settle()
    if takes_data(member(blueprint)):
        return Opened(source(blueprint), None)
    with forgetting():
        with explained(blueprint, "build"):
            model = build(blueprint, asked({}))
        inputs = model.inputs if model.built and getattr(model, "inputs", None) else []
        shapes = [tuple(one.shape[1:]) for one in inputs]
    return Opened(source(blueprint), shapes[0] if len(shapes) == 1 and len(shapes[0]) == 3 else None)


@cache
def _settle() -> None:
    """Has the collector pass over what the imports have made: 0.4 s a model, and building one takes 0.1 (measured)."""
    gc.collect()
    gc.freeze()


def listed(blueprint: Blueprint) -> list[Listed]:
    """Every hyperparameter, parents before children.

    As KerasTuner's tuners do, the model is built until each ``conditional_scope`` was active once; besides, each
    option of a choice and both ends of a count, since what a loop or a branch asks for shows only there.
    SpaceError when the model of the default values cannot be built or trained, or has no hyperparameters.
    """
    load(blueprint).declare_hyperparameters(declared := keras_tuner.HyperParameters())
    found: list[Any] = list(declared.space)
    visits: list[dict[str, Any]] = [dict(declared.values)]
    for number, values in enumerate(visits):  # it grows as more is found
        with forgetting():
            hp = asked(_active(found, values))
            with suppress(Exception, SystemExit) if number else explained(blueprint, "build"):
                build(blueprint, hp)  # what it asks for before it fails is known
        new = [one for one in hp.space if not any(_same(one, other) for other in found)]
        found += new
        scopes = [{condition.name: condition.values[0] for condition in scope} for scope in hp.inactive_scopes]
        for change in [*_cover(new), *scopes]:
            following = _active(found, hp.values | change)
            if following not in visits and len(visits) < _BUILDS:
                visits.append(following)
    if not found:
        raise SpaceError(f"{blueprint}: it has no hyperparameters; ask for some with hp.Int, hp.Float, hp.Choice, ...")
    return [_listed(one) for one in found]


def judged(blueprint: Blueprint, values: Values) -> Built:
    """Builds the model of ``values``; its costs and its key, or why there is none.

    SpaceError for an error that KerasTuner calls fatal: it is to end the search.
    """
    with forgetting():
        keras.utils.set_random_seed(0)  # layers that draw a seed of their own are to be equal each time
        try:
            model = build(blueprint, hp := asked(values))
        except FatalError as error:
            raise SpaceError(f"{blueprint}: {told(error, blueprint, 'build')}") from None
        except models.Unfit as unfit:
            return Built(reason=str(unfit), kind=unfit.kind)
        except (Exception, SystemExit) as error:
            traceback.print_exc()  # to the worker's log: a study counts what is infeasible by its kind alone
            return Built(reason=told(error, blueprint, "build"), kind=f"build raised {type(error).__name__}")
        more = dict(sorted(hp.values.items())) if fits_itself(load(blueprint)) else None
        return Built(models.key(model, more), parameters(model), models.macs(model))


def _active(found: Iterable[Any], values: Values) -> dict[str, Any]:
    """``values`` without those whose conditions do not hold."""
    kept: dict[str, Any] = {}
    for one in found:
        if one.name in values and all(condition.is_active(kept) for condition in one.conditions):
            kept[one.name] = values[one.name]
    return kept


def _same(one: Any, other: Any) -> bool:
    return bool(one.name == other.name and one.conditions == other.conditions)


def _cover(new: list[Any]) -> list[dict[str, Any]]:
    """Few sets of values in which each option of each of the ``new`` ones occurs."""
    options = {one.name: shown for one in new if (shown := _options(one))}
    longest = max(map(len, options.values()), default=0)
    return [{name: some[turn % len(some)] for name, some in options.items()} for turn in range(longest)]


def _options(one: Any) -> list[Any]:
    if isinstance(one, kinds.Choice | kinds.Boolean):
        return list(one.values)
    if isinstance(one, kinds.Int) and one.max_value <= _COUNTS:
        return [one.max_value, one.min_value]
    return []


def _listed(one: Any) -> Listed:
    kind, settings = _settings(one)
    return Listed(one.name, kind, _plain(one.default), _conditions(one.conditions), **settings)


def _settings(one: Any) -> tuple[str, dict[str, Any]]:
    if isinstance(one, kinds.Fixed):
        return "fixed", {"options": (_plain(one.value),)}
    if isinstance(one, kinds.Choice | kinds.Boolean):
        return "choice", {"options": tuple(dict.fromkeys(map(_plain, one.values)))}
    if one.step is not None and one.sampling != "linear":  # there the step multiplies
        return "choice", {"options": tuple(dict.fromkeys(map(_number(one), one.values)))}
    step, high = one.step, one.max_value
    if step is not None and step > high - one.min_value:  # KerasTuner allows it; there is one value then
        step, high = None, one.min_value
    note = "drawn evenly; KerasTuner has reverse_log" if one.sampling == "reverse_log" else ""
    settings = {"low": one.min_value, "high": high, "step": step, "log": one.sampling == "log", "note": note}
    return "int" if isinstance(one, kinds.Int) else "float", settings


def _number(one: Any) -> Any:
    return int if isinstance(one, kinds.Int) else float


def _conditions(conditions: Iterable[Any]) -> Conditions:
    return tuple((one.name, tuple(map(_plain, one.values))) for one in conditions)


def _plain(value: Any) -> Scalar:
    """A value without a class of the user's or numpy's, which the parent would have to import."""
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    raise SpaceError(f"expected words, numbers, true or false as values, got {value!r}")
