"""A space with some hyperparameters held at a value, or with other limits."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pipeline.errors import SpaceError, error_at, nearest_or_all
from pipeline.hyperparameter import Index, format_value
from pipeline.space.checks import check_constant, check_counts, check_scopes
from pipeline.space.complete import adapt
from pipeline.space.limits import COSTS, parse_limit
from pipeline.space.space import Space


def fix(space: Space, settings: Mapping[str, Any]) -> Space:
    """The space with some hyperparameters constant: ``kernel=3`` for all repetitions, ``kernel_2=5`` for one.

    A value need not lie in the searched range. ``start_from`` follows: its points take the new constants, and
    points of a family that is no longer possible are left out. SpaceError for an unknown key, a value that is not
    legal for its hyperparameter, and a constant without effect.

    >>> from pipeline.space.load import load
    >>> [entry.name for entry in fix(load("grid"), {"filters": 12, "fc_layers": 0}).searched]
    ['blocks', 'pool', 'fc_width']
    """
    fixed, settings = space, space.hyperparameters.spell_out(settings)
    for key in sorted(settings):  # kernel comes before kernel_2, which it would undo
        with error_at(f"space {space.name}: {key}"):
            fixed = _fix(fixed, key, settings[key])
    for key, value in settings.items():
        with error_at(f"space {space.name}: {key}"):
            check_constant(fixed, key, value)
    with error_at(f"space {space.name}"):
        check_scopes(fixed)
        check_counts(fixed)
    points = {name: adapt(fixed, point) for name, point in space.start_from.items()}
    same_family = {
        name: point for name, point in points.items() if point.get("family") == space.start_from[name].get("family")
    }
    return replace(fixed, start_from=same_family)


def limit(space: Space, settings: Mapping[str, Any]) -> Space:
    """The space with some of its limits replaced; ``none`` lifts one. SpaceError for an unknown or invalid limit.

    >>> from pipeline.space.load import load
    >>> limit(load("grid"), {"macs": "none", "memory": "2GB"}).limits
    {'memory': 2000000000}
    """
    limits = dict(space.limits)
    with error_at(f"space {space.name}"):
        for name, value in settings.items():
            if name not in COSTS:
                raise SpaceError(f"unknown limit {format_value(name)}{nearest_or_all(name, COSTS)}")
            limits.pop(name, None)
            if value != "none":
                limits[name] = parse_limit(name, value)
    return replace(space, limits={name: limits[name] for name in COSTS if name in limits})


def _fix(space: Space, key: str, value: Any) -> Space:
    name, index = space.hyperparameters.split_key(key)
    constants = space.hyperparameters.flatten(key, value)
    others = {k: v for k, v in space.constants.items() if not _is_within(space, k, name, index)}
    searched = tuple(entry for entry in space.searched if index or entry.name != name)
    return replace(space, searched=searched, constants=others | constants, start_from={})


def _is_within(space: Space, key: str, name: str, index: Index) -> bool:
    """Whether ``key`` is the repetition ``index`` of ``name``, or one inside it."""
    key_name, key_index = space.hyperparameters.split_key(key)
    return key_name == name and key_index[: len(index)] == index
