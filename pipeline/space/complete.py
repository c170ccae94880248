"""Hand-picked points: made whole, and refused where the space does not hold them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pipeline.errors import SpaceError
from pipeline.hyperparameter import Scalar, Values, read
from pipeline.space.domain import Domain, shown
from pipeline.space.names import Index, at, counters, expand, flatten, indices, lineage, missing, parse, unmet

if TYPE_CHECKING:
    from pipeline.space.space import Parameter, Space


def complete(space: "Space", point: Mapping[str, Any]) -> dict[str, Scalar]:
    """See ``Space.complete``; the SpaceErrors begin with the key."""
    given: dict[str, Scalar] = {}
    for key, value in point.items():
        flat = _flat(space, key, value)
        if flat.keys() & given.keys():
            raise SpaceError(f"{key}: sets again what another key of the point sets; give each value once")
        given |= flat
    used: set[str] = set()

    def pick(name: str, domain: Domain) -> Scalar:
        key = next((key for key in lineage(*parse(space.known, name)) if key in given), None)
        if key is None:
            return _start(space, name, domain)
        used.add(key)
        return given[key]

    values = space.draw(pick)
    for key, value in point.items():
        _check_length(space, key, value, values)
    for key, value in given.items():
        if key not in used:
            _check_unused(space, key, value, values)
    return values


def adapted(space: "Space", point: Values) -> dict[str, Scalar]:
    """``point`` of another space as this one holds it: what does not fit is made as when left out."""
    return space.draw(
        lambda name, domain: point[name] if domain.contains(point.get(name)) else _start(space, name, domain)
    )


def _start(space: "Space", name: str, domain: Domain) -> Scalar:
    default = space.known[parse(space.known, name)[0]].default
    return default if domain.contains(default) else domain.first


def _flat(space: "Space", key: str, value: Any) -> dict[str, Scalar]:
    parse(space.known, key)
    with at(key):
        return flatten(space.known, key, value)


def _check_length(space: "Space", key: str, value: Any, values: Values) -> None:
    """A list must have one value for each repetition, at every depth."""
    name, index = parse(space.known, key)
    if not isinstance(value, list) or unmet(space.known, values, space.known[name].when, index):
        return
    counter = counters(space.known, space.known[name].per)[len(index)]
    count = read(space.known, values, counter, *index)
    if len(value) != count:
        repeated = expand(counter, index)
        raise SpaceError(f"{key}: expected {count} values, one each of {repeated}, got a list of {len(value)}")
    for number, one in enumerate(value, 1):
        _check_length(space, f"{key}_{number}", one, values)


def _check_unused(space: "Space", key: str, value: Scalar, values: Values) -> None:
    """A key that no draw asked for must say what holds anyway."""
    if key in values:
        _check_same(key, value, values[key])
        return
    name, index = parse(space.known, key)
    reason = missing(space.known, values, name, index)
    if reason is not None:
        raise SpaceError(f"{key}: has no effect here: {reason}")
    parameter = next((one for one in space.parameters if one.name == name), None)
    if parameter is not None:
        raise SpaceError(f"{key}: has no effect here{_why_inactive(space, parameter, values, index)}")
    per = counters(space.known, space.known[name].per)
    for place in indices(space.known, values, per):
        if place[: len(index)] == index:
            _check_same(key, value, read(space.known, values, name, *place))


def _check_same(key: str, value: Scalar, held: Scalar) -> None:
    if value != held:
        raise SpaceError(f"{key}: {shown(value)} is outside the space, which holds it at {shown(held)}")


def _why_inactive(space: "Space", parameter: "Parameter", values: Values, index: Index) -> str:
    depth = len(counters(space.known, parameter.per))
    if len(index) > depth:
        each = f"each of {parameter.per}" if parameter.per else "all"
        return f": the space has one {parameter.name} for {each}; write {expand(parameter.name, index[:depth])}"
    reason = unmet(space.known, values, parameter.when, index)
    return f": {reason}" if reason else ""
