"""What must hold between the parts of a space."""

from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any

from pipeline.errors import SpaceError
from pipeline.hyperparameter import Conditions, Scalar
from pipeline.space.domain import Choice, Domain, shown
from pipeline.space.names import Index, Known, at, counters, expand, lineage, parse

if TYPE_CHECKING:
    from pipeline.space.space import Parameter, Space

MAX_REPETITIONS = 1000


def ordered(known: Known, parameters: "Iterable[Parameter]") -> "tuple[Parameter, ...]":
    """Parents before children, otherwise in the order of ``known``; SpaceError that names the path of a cycle."""
    rank = {name: place for place, name in enumerate(known)}
    named = {one.name: one for one in sorted(parameters, key=lambda one: rank[one.name])}
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for name, one in named.items():
        above = {*counters(known, one.per), *(parent for parent, _ in one.when)}
        sorter.add(name, *sorted(above & named.keys(), key=rank.__getitem__))
    try:
        sorter.prepare()
    except CycleError as error:
        raise SpaceError(f"conditions go in a circle: {' -> '.join(error.args[1])}; take one away") from None
    order: list[str] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready(), key=rank.__getitem__)
        order += ready
        sorter.done(*ready)
    return tuple(named[name] for name in order)


def conditions(space: "Space") -> None:
    """Every parent of a condition has one value where it is asked: as many repetitions as its child, or fewer."""
    for one in space.parameters:
        own = counters(space.known, one.per)
        for parent, _ in one.when:
            above = _repeated_by(space, parent)
            if own[: len(above)] != above:
                with at(f"parameters.{one.name}"):
                    raise SpaceError(f"when: {parent} varies per {above[-1]} and {one.name} does not")


def possible(space: "Space") -> None:
    """Every value that a condition allows is one that its parent can take."""
    for one in space.parameters:
        for parent, allowed in one.when:
            for value in allowed:
                if not _can_take(space, parent, value, one.when):
                    with at(f"parameters.{one.name}"):
                        raise SpaceError(f"when: {parent} can never be {shown(value)} in this space")


def repetitions(space: "Space") -> None:
    """No count can run away: a thousand blocks are no network, and drawing them would not end."""
    for counter in sorted({one.per for one in space.known.values() if one.per is not None}):
        if most(space, counter) > MAX_REPETITIONS:
            with at(f"parameters.{counter}"):
                raise SpaceError(f"{most(space, counter)} repetitions are too many; at most {MAX_REPETITIONS}")


def reach(space: "Space", key: str, value: Any) -> None:
    """A constant can be of use somewhere, and a list of them has one for each repetition that there can be."""
    name, index = parse(space.known, key)
    for parent, allowed in space.known[name].when:
        if not any(_can_take(space, parent, value, ()) for value in allowed):
            raise SpaceError(f"can never be of use: {parent} is never {' or '.join(map(shown, allowed))}")
    per = counters(space.known, space.known[name].per)
    for depth, number in enumerate(index):
        if number > (count := most(space, per[depth], index[:depth])):
            raise SpaceError(f"can never be of use: {expand(per[depth], index[:depth])} is at most {count}")
    if not isinstance(value, list):
        return
    if len(value) != (count := most(space, per[len(index)], index)):
        counter = expand(per[len(index)], index)
        raise SpaceError(f"expected {count} values, one for each of {counter}, got a list of {len(value)}")
    for number, one in enumerate(value, 1):
        reach(space, f"{key}_{number}", one)


def most(space: "Space", name: str, index: Index = ()) -> int:
    """The largest value that the count ``name`` can have, in the repetition ``index`` or (by default) in any."""
    held = [space.constants[key] for key in lineage(name, index) if key in space.constants]
    if index and held:
        return int(held[0])
    domains, found = _taken(space, name, space.known[name].when)
    for domain in domains:
        found += domain.options if isinstance(domain, Choice) else (domain.high,)
    return max(map(int, found))


def _can_take(space: "Space", name: str, value: Scalar, where: Conditions) -> bool:
    domains, found = _taken(space, name, where)
    return value in found or any(domain.contains(value) for domain in domains)


def _taken(space: "Space", name: str, where: Conditions) -> tuple[list[Domain], list[Scalar]]:
    """What ``name`` can be where ``where`` holds: domains it is drawn from, values it is held at or falls back to."""
    parameters = [one for one in space.parameters if one.name == name]
    found = [space.constants[key] for key in _keys(space, name)]
    if not found and not any(_implied(one.when, where) for one in parameters):
        found.append(space.known[name].default)
    return [one.domain for one in parameters], found


def _implied(conditions: Conditions, where: Conditions) -> bool:
    """Whether each of ``conditions`` holds wherever ``where`` does, as far as one name at a time tells."""
    return all(
        any(name == other and set(held) <= set(allowed) for other, held in where) for name, allowed in conditions
    )


def _repeated_by(space: "Space", name: str) -> tuple[str, ...]:
    depths = [len(counters(space.known, one.per)) for one in space.parameters if one.name == name]
    depths += [len(parse(space.known, key)[1]) for key in _keys(space, name)]
    return counters(space.known, space.known[name].per)[: max(depths, default=0)]


def _keys(space: "Space", name: str) -> list[str]:
    return [key for key in space.constants if parse(space.known, key)[0] == name]
