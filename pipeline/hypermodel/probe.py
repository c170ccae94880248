"""Finds the hyperparameters of a HyperModel and the costs of its models by building them. Runs only in workers."""

import traceback
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import keras
import keras_tuner
from keras_tuner.engine import hyperparameters as kinds
from keras_tuner.errors import FatalError

from pipeline.errors import SpaceError
from pipeline.hypermodel.loader import (
    build_model,
    describe_error,
    explain_errors,
    find_file,
    has_own_fit,
    hyperparameters_with,
    import_member,
    load,
    needs_data,
)
from pipeline.hypermodel.source import BuiltModel, HyperModelInfo, HyperModelSource, ListedHyperparameter
from pipeline.hypermodel.user_model import UntrainableError, compute_key, count_model_macs
from pipeline.hyperparameter import Conditions, Params, Scalar
from pipeline.training.keras_model import count_parameters
from pipeline.training.memory import forget_models

_MAX_COUNT = 100
"""A range of whole numbers that ends at or below this one may count layers, so models are built at both its ends.

Larger ranges are taken for sizes, whose ends may give large models.
"""
_MAX_BUILDS = 100
"""The most models that are built to find all hyperparameters."""


def inspect_source(source: HyperModelSource) -> HyperModelInfo:
    """The file of the source and the shape of image that its model takes, before the images are known.

    SpaceError when the HyperModel cannot be imported or created, or its default model cannot be built.
    """
    if needs_data(import_member(source)):
        return HyperModelInfo(find_file(source), None)
    with forget_models():
        with explain_errors(source, "build"):
            model = build_model(source, hyperparameters_with({}))
        inputs = model.inputs if model.built and getattr(model, "inputs", None) else []
        shapes = [tuple(tensor.shape[1:]) for tensor in inputs]
    return HyperModelInfo(find_file(source), shapes[0] if len(shapes) == 1 and len(shapes[0]) == 3 else None)


def list_hyperparameters(source: HyperModelSource) -> list[ListedHyperparameter]:
    """Every hyperparameter, parents before children.

    As in KerasTuner's tuners, models are built until each ``conditional_scope`` has been active once. Each option of a
    choice and both ends of a count are built too, since a branch or a loop may use more hyperparameters there.
    SpaceError when the model of the default values cannot be built or trained, or there are no hyperparameters.
    """
    declared = keras_tuner.HyperParameters()
    load(source).declare_hyperparameters(declared)
    hyperparameters: list[Any] = list(declared.space)
    visits: list[dict[str, Any]] = [dict(declared.values)]
    for number, params in enumerate(visits):  # grows while hyperparameters are found
        with forget_models():
            hp = hyperparameters_with(_active(hyperparameters, params))
            with suppress(Exception, SystemExit) if number else explain_errors(source, "build"):
                build_model(source, hp)  # if it fails, hp still lists what was used until then
        new = [entry for entry in hp.space if not any(_is_same(entry, other) for other in hyperparameters)]
        hyperparameters += new
        scopes = [{condition.name: condition.values[0] for condition in scope} for scope in hp.inactive_scopes]
        for change in [*_covering_params(new), *scopes]:
            following = _active(hyperparameters, hp.values | change)
            if following not in visits and len(visits) < _MAX_BUILDS:
                visits.append(following)
    if not hyperparameters:
        raise SpaceError(f"{source}: it has no hyperparameters; declare some with hp.Int, hp.Float, hp.Choice, ...")
    return [_as_listed(entry) for entry in hyperparameters]


def probe_params(source: HyperModelSource, params: Params) -> BuiltModel:
    """Builds the model of ``params``; returns its costs and its key, or the reason why there is no model.

    SpaceError for an error that KerasTuner calls fatal, since such an error must end the search.
    """
    with forget_models():
        keras.utils.set_random_seed(0)  # layers that draw their own seed must be equal each time
        hp = hyperparameters_with(params)
        try:
            model = build_model(source, hp)
        except FatalError as error:
            raise SpaceError(f"{source}: {describe_error(error, source, 'build')}") from None
        except UntrainableError as error:
            return BuiltModel(reason=str(error), kind=error.kind)
        except (Exception, SystemExit) as error:
            traceback.print_exc()  # into the worker's log, since a study shows only the number of each kind
            reason = describe_error(error, source, "build")
            return BuiltModel(reason=reason, kind=f"build raised {type(error).__name__}")
        fit_params = dict(sorted(hp.values.items())) if has_own_fit(load(source)) else None
        return BuiltModel(compute_key(model, fit_params), count_parameters(model), count_model_macs(model))


def _active(hyperparameters: Iterable[Any], params: Params) -> dict[str, Any]:
    """``params`` without those whose conditions do not hold."""
    active: dict[str, Any] = {}
    for entry in hyperparameters:
        if entry.name in params and all(condition.is_active(active) for condition in entry.conditions):
            active[entry.name] = params[entry.name]
    return active


def _is_same(entry: Any, other: Any) -> bool:
    return bool(entry.name == other.name and entry.conditions == other.conditions)


def _covering_params(new: list[Any]) -> list[dict[str, Any]]:
    """A few configurations that together contain each option of each of the ``new`` hyperparameters."""
    all_options = {entry.name: options for entry in new if (options := _options(entry))}
    longest = max(map(len, all_options.values()), default=0)
    return [{name: options[turn % len(options)] for name, options in all_options.items()} for turn in range(longest)]


def _options(entry: Any) -> list[Any]:
    if isinstance(entry, kinds.Choice | kinds.Boolean):
        return list(entry.values)
    if isinstance(entry, kinds.Int) and entry.max_value <= _MAX_COUNT:
        return [entry.max_value, entry.min_value]
    return []


def _as_listed(entry: Any) -> ListedHyperparameter:
    kind, settings = _settings(entry)
    default, conditions = _plain(entry.default), _conditions(entry.conditions)
    return ListedHyperparameter(entry.name, kind, default, conditions, **settings)


def _settings(entry: Any) -> tuple[str, dict[str, Any]]:
    if isinstance(entry, kinds.Fixed):
        return "fixed", {"options": (_plain(entry.value),)}
    if isinstance(entry, kinds.Choice | kinds.Boolean):
        return "choice", {"options": tuple(dict.fromkeys(map(_plain, entry.values)))}
    if entry.step is not None and entry.sampling != "linear":  # then the step is a factor
        return "choice", {"options": tuple(dict.fromkeys(map(_number(entry), entry.values)))}
    step, high = entry.step, entry.max_value
    if step is not None and step > high - entry.min_value:  # KerasTuner allows this: it leaves one value
        step, high = None, entry.min_value
    note = "drawn evenly instead of by reverse_log" if entry.sampling == "reverse_log" else ""
    settings = {
        "low": entry.min_value,
        "high": high,
        "step": step,
        "log": entry.sampling == "log",
        "note": note,
    }
    return "int" if isinstance(entry, kinds.Int) else "float", settings


def _number(entry: Any) -> Any:
    return int if isinstance(entry, kinds.Int) else float


def _conditions(conditions: Iterable[Any]) -> Conditions:
    return tuple((condition.name, tuple(map(_plain, condition.values))) for condition in conditions)


def _plain(value: Any) -> Scalar:
    """The value as a plain Python object: the parent process must not import numpy's or the user's classes."""
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    raise SpaceError(f"expected words, numbers, true or false as values, got {value!r}")
