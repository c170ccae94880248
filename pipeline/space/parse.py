"""The content of a space file, turned into a Space and checked."""

import re
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from pipeline.architecture import FAMILIES, Infeasible
from pipeline.errors import SpaceError, error_at, nearest_or_all
from pipeline.hyperparameter import Scalar, format_value
from pipeline.space.checks import (
    check_allowed_values,
    check_constant,
    check_counts,
    check_scopes,
    sort_parents_first,
)
from pipeline.space.complete import fill
from pipeline.space.content import check_keys, expect_mapping
from pipeline.space.hyperparameters import hyperparameters_of
from pipeline.space.limits import COSTS, parse_limit
from pipeline.space.searched import parse_searched
from pipeline.space.space import Space

KEYS: Mapping[str, str] = MappingProxyType(
    {
        "family": "the rule that turns params into an architecture",
        "hyperparameters": "those that vary, and those held at a value; the others take their default",
        "start_from": "known good points, tried first",
        "limits": "costs that no candidate may exceed",
    }
)
"""The keys of a space file, with a line of help for each."""
_LARGEST_SIDE = 4096
"""Pixels along a side of the largest images that a study takes."""


def parse(content: Mapping[str, Any], name: str) -> Space:
    """The space of that name; SpaceErrors begin with the key.

    >>> space = parse({"family": "plain", "hyperparameters": {"blocks": {"int": [1, 3]}, "kernel": 5}}, "mine")
    >>> [entry.name for entry in space.searched], space.constants
    (['blocks'], {'family': 'plain', 'kernel': 5})
    """
    if "parameters" in content:
        raise SpaceError("parameters: this key is called hyperparameters now; rename it")
    check_keys(content, KEYS)
    space = Space(name, hyperparameters_of(_families(content)), (), {}, {}, {})
    with error_at("hyperparameters"):
        entries = expect_mapping(content.get("hyperparameters", {}))
    if "family" in entries:
        raise SpaceError("hyperparameters.family: belongs beside hyperparameters; write 'family: ...' above them")
    space = _with_hyperparameters(space, {"family": content["family"], **entries})
    with error_at("limits"):
        space = replace(space, limits=_limits(expect_mapping(content.get("limits", {}))))
    return replace(space, start_from=_start_points(space, content.get("start_from", [])))


def _families(content: Mapping[str, Any]) -> list[str]:
    """The families of the space: one, or a choice of several."""
    if "family" not in content:
        raise SpaceError(f"family is missing; add 'family: NAME' ({', '.join(FAMILIES)})")
    family = content["family"]
    with error_at("family"):
        if isinstance(family, dict):
            check_keys(family, ("choice",))
        families = family.get("choice") if isinstance(family, dict) else [family]
        if not isinstance(families, list) or not families:
            raise SpaceError(f"expected a name or {{choice: [name, ...]}}, got {format_value(family)}")
        for name in families:
            if not isinstance(name, str) or name not in FAMILIES:
                raise SpaceError(f"unknown family {format_value(name)}{nearest_or_all(str(name), FAMILIES)}")
    return families


def _with_hyperparameters(space: Space, entries: Mapping[str, Any]) -> Space:
    hyperparameters, searched, constants = space.hyperparameters, [], dict(space.constants)
    for key, value in entries.items():
        with error_at(_where(key)):
            if key not in hyperparameters and (isinstance(value, dict) or not hyperparameters.is_repetition(key)):
                raise SpaceError(f"unknown hyperparameter{nearest_or_all(key, hyperparameters)}")
            if isinstance(value, dict):
                searched.append(parse_searched(hyperparameters, key, value))
            else:
                constants |= hyperparameters.flatten(key, value)
    with error_at("hyperparameters"):
        space = replace(space, searched=sort_parents_first(hyperparameters, searched), constants=constants)
    check_scopes(space)
    check_allowed_values(space)
    check_counts(space)
    _check_constants(space, entries)
    return space


def _check_constants(space: Space, entries: Mapping[str, Any]) -> None:
    """Lists and single repetitions must have an effect; a constant for all repetitions need not."""
    for key, value in entries.items():
        if isinstance(value, list) or key not in space.hyperparameters:
            with error_at(_where(key)):
                check_constant(space, key, value)


def _where(key: str) -> str:
    return "family" if key == "family" else f"hyperparameters.{format_value(key)}"


def _limits(content: Mapping[str, Any]) -> dict[str, float]:
    check_keys(content, COSTS)
    return {name: parse_limit(name, content[name]) for name in COSTS if name in content}


def _start_points(space: Space, content: Any) -> dict[str, dict[str, Scalar]]:
    """The points by name; those of a list are called 1, 2 and so on."""
    by_name = {str(number): point for number, point in enumerate(content, 1)} if isinstance(content, list) else content
    if not isinstance(by_name, dict):
        point = "{hyperparameter: value, ...}"
        raise SpaceError(f"start_from: expected '- {point}' or 'name: {point}' entries")
    points: dict[str, dict[str, Scalar]] = {}
    for name, entry in by_name.items():
        with error_at(f"start_from, point {format_value(name)}"):
            if not re.fullmatch(r"[\w.-]+", name):
                raise SpaceError("expected a name of letters, digits, '_', '-' and '.'")
            points[name] = fill(space, expect_mapping(entry))
            _check_network(points[name])
    return points


def _check_network(point: dict[str, Scalar]) -> None:
    """SpaceError for a point that gives no network on any image: grey or coloured, and as large as images can be."""
    side, reasons = int(point.get("designed_for", 0)) or _LARGEST_SIDE, []
    for channels in (1, 3):
        try:
            FAMILIES[str(point["family"])].build(point, (side, side, channels), 10)
            return
        except Infeasible as infeasible:
            reasons.append(infeasible.reason)
    raise SpaceError(f"no network on any image: {reasons[-1]}")
