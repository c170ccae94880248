"""Turns the hyperparameters that KerasTuner declares into plain data. In workers."""

from collections.abc import Iterable
from typing import Any

from keras_tuner.engine import hyperparameters as kinds

from pipeline.errors import SpaceError
from pipeline.hypermodel.source import ListedHyperparameter
from pipeline.hyperparameter import Conditions, Scalar


def as_listed(entry: Any) -> ListedHyperparameter:
    """A hyperparameter of KerasTuner; SpaceError for values that are no words, numbers, true or false."""
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
