"""Completes hand-picked points, and refuses those that are outside the space."""

from collections.abc import Mapping
from typing import Any

from pipeline.errors import SpaceError, error_at, nearest_or_all
from pipeline.hyperparameter import Index, Params, Scalar, format_value, join_key, setting_keys
from pipeline.space.domain import Domain
from pipeline.space.space import SearchedHyperparameter, Space


def complete(space: Space, point: Mapping[str, Any] | str) -> dict[str, Scalar]:
    """A hand-picked point, completed with everything that it leaves out; a text is the name of a start point.

    ``filters: 32`` sets every block, ``filters: [32, 64, 128]`` one value per block, ``filters_2: 64`` only the second
    block, and ``filters: [[32], [64, 64]]`` one value for each convolution of each block. A key that is left out takes
    its default if that is in the space, else the first value of its domain. SpaceError for an unknown name or key, a
    value outside the space, and a key that has no effect in the point.

    >>> from pipeline.space.load import load
    >>> point = complete(load("grid"), {"blocks": 2, "filters": 16})
    >>> point["filters"], point["pool"], point["optimizer"]
    (16, 'max', 'adam')
    """
    with error_at(f"space {space.name}"):
        return _start_point(space, point) if isinstance(point, str) else fill(space, point)


def fill(space: Space, point: Mapping[str, Any]) -> dict[str, Scalar]:
    """Like ``complete`` for a mapping, but its SpaceErrors begin with the key instead of the space."""
    given: dict[str, Scalar] = {}
    point = space.hyperparameters.spell_out(point)
    for key, value in point.items():
        flat = _flatten(space, key, value)
        if flat.keys() & given.keys():
            raise SpaceError(f"{key}: another key of the point sets this value too; give it once")
        given |= flat
    used: set[str] = set()

    def suggest(key: str, domain: Domain) -> Scalar:
        setting = next((k for k in setting_keys(*space.hyperparameters.split_key(key)) if k in given), None)
        if setting is None:
            return _default_in(space, key, domain)
        used.add(setting)
        return given[setting]

    params = space.draw(suggest)
    for key, value in point.items():
        _check_length(space, key, value, params)
    for key, scalar in given.items():
        if key not in used:
            _check_unused(space, key, scalar, params)
    return params


def adapt(space: Space, point: Params) -> dict[str, Scalar]:
    """A point of another space, adapted to this one: values outside this space count as left out."""
    return space.draw(
        lambda key, domain: point[key] if domain.contains(point.get(key)) else _default_in(space, key, domain)
    )


def _start_point(space: Space, name: str) -> dict[str, Scalar]:
    if name in space.start_from:
        return space.start_from[name]
    none = "; the space has none: write name=value,..."
    expected = nearest_or_all(name, space.start_from) if space.start_from else none
    raise SpaceError(f"unknown start point {format_value(name)}{expected}")


def _default_in(space: Space, key: str, domain: Domain) -> Scalar:
    default = space.hyperparameters[space.hyperparameters.split_key(key)[0]].default
    return default if domain.contains(default) else domain.first


def _flatten(space: Space, key: str, value: Any) -> dict[str, Scalar]:
    space.hyperparameters.split_key(key)  # its error for an unknown key names the key already
    with error_at(key):
        return space.hyperparameters.flatten(key, value)


def _check_length(space: Space, key: str, value: Any, params: Params) -> None:
    """A list must have one value for each repetition, at every depth."""
    hyperparameters = space.hyperparameters
    name, index = hyperparameters.split_key(key)
    if not isinstance(value, list) or hyperparameters.unmet_condition(params, hyperparameters[name].when, index):
        return
    counter = hyperparameters.counters_of(name)[len(index)]
    count = hyperparameters.value_of(params, counter, *index)
    if len(value) != count:
        expected = f"expected a list of {count}, one for each of {join_key(counter, index)}"
        raise SpaceError(f"{key}: {expected}, got a list of {len(value)}")
    for number, part in enumerate(value, 1):
        _check_length(space, f"{key}_{number}", part, params)


def _check_unused(space: Space, key: str, value: Scalar, params: Params) -> None:
    """A key that no suggestion used must repeat the value that the point has anyway."""
    if key in params:
        _check_same(key, value, params[key])
        return
    hyperparameters = space.hyperparameters
    name, index = hyperparameters.split_key(key)
    reason = hyperparameters.why_absent(params, name, index)
    if reason is not None:
        raise SpaceError(f"{key}: has no effect here: {reason}")
    searched = next((entry for entry in space.searched if entry.name == name), None)
    if searched is not None:
        raise SpaceError(f"{key}: has no effect here{_why_inactive(space, searched, params, index)}")
    for repetition in hyperparameters.repetitions(params, hyperparameters.counters_of(name)):
        if repetition[: len(index)] == index:
            _check_same(key, value, hyperparameters.value_of(params, name, *repetition))


def _check_same(key: str, value: Scalar, held: Scalar) -> None:
    if value != held:
        raise SpaceError(f"{key}: {format_value(value)} is outside the space, which fixes it at {format_value(held)}")


def _why_inactive(space: Space, searched: SearchedHyperparameter, params: Params, index: Index) -> str:
    depth = len(space.hyperparameters.counters(searched.per))
    if len(index) > depth:
        scope = f"each of {searched.per}" if searched.per else "all"
        return f": the space has one {searched.name} for {scope}; write {join_key(searched.name, index[:depth])}"
    reason = space.hyperparameters.unmet_condition(params, searched.when, index)
    return f": {reason}" if reason else ""
