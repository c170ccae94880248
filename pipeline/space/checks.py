"""Checks that the parts of a space fit together; each raises SpaceError if they do not."""

from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter
from typing import Any

from pipeline.errors import SpaceError, error_at
from pipeline.hyperparameter import Conditions, Hyperparameters, Index, Scalar, format_value, join_key, setting_keys
from pipeline.space.domain import Choice, Domain
from pipeline.space.space import SearchedHyperparameter, Space

MAX_REPETITIONS = 1000


def sort_parents_first(
    hyperparameters: Hyperparameters, searched: Iterable[SearchedHyperparameter]
) -> tuple[SearchedHyperparameter, ...]:
    """Parents before children, otherwise in order of ``hyperparameters``; SpaceError, with its path, for a cycle."""
    rank = {name: number for number, name in enumerate(hyperparameters)}
    by_name = {entry.name: entry for entry in sorted(searched, key=lambda entry: rank[entry.name])}
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for name, entry in by_name.items():
        parents = {*hyperparameters.counters(entry.per), *(parent for parent, _ in entry.when)}
        sorter.add(name, *sorted(parents & by_name.keys(), key=rank.__getitem__))
    try:
        sorter.prepare()
    except CycleError as error:
        raise SpaceError(f"conditions form a cycle: {' -> '.join(error.args[1])}; remove one of them") from None
    order: list[str] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready(), key=rank.__getitem__)
        order += ready
        sorter.done(*ready)
    return tuple(by_name[name] for name in order)


def check_scopes(space: Space) -> None:
    """Every parent of a condition must have one value for each child: as many repetitions as the child, or fewer."""
    for entry in space.searched:
        own = space.hyperparameters.counters(entry.per)
        for parent, _ in entry.when:
            counters = _counters_used(space, parent)
            if own[: len(counters)] != counters:
                with error_at(f"hyperparameters.{entry.name}"):
                    raise SpaceError(f"when: {parent} varies per {counters[-1]} and {entry.name} does not")


def check_allowed_values(space: Space) -> None:
    """Every value that a condition allows must be one that its parent can take."""
    for entry in space.searched:
        for parent, allowed in entry.when:
            for value in allowed:
                if not _can_be(space, parent, value, entry.when):
                    with error_at(f"hyperparameters.{entry.name}"):
                        raise SpaceError(f"when: {parent} can never be {format_value(value)} in this space")


def check_counts(space: Space) -> None:
    """No count may exceed ``MAX_REPETITIONS``: no network needs more, and drawing a billion blocks would never end."""
    for counter in sorted({entry.per for entry in space.hyperparameters.values() if entry.per is not None}):
        count = largest_count(space, counter)
        if count > MAX_REPETITIONS:
            with error_at(f"hyperparameters.{counter}"):
                raise SpaceError(f"{count} repetitions are too many; at most {MAX_REPETITIONS}")


def check_constant(space: Space, key: str, value: Any) -> None:
    """A constant must have an effect somewhere, and a list must have one value for each possible repetition."""
    hyperparameters = space.hyperparameters
    name, index = hyperparameters.split_key(key)
    for parent, allowed in hyperparameters[name].when:
        if not any(_can_be(space, parent, option, ()) for option in allowed):
            raise SpaceError(f"has no effect: {parent} is never {' or '.join(map(format_value, allowed))}")
    counters = hyperparameters.counters_of(name)
    for depth, number in enumerate(index):
        count = largest_count(space, counters[depth], index[:depth])
        if number > count:
            raise SpaceError(f"has no effect: {join_key(counters[depth], index[:depth])} is at most {count}")
    if not isinstance(value, list):
        return
    counter = counters[len(index)]
    count = largest_count(space, counter, index)
    if len(value) != count:
        raise SpaceError(
            f"expected a list of {count}, one for each of {join_key(counter, index)}, got a list of {len(value)}"
        )
    for number, part in enumerate(value, 1):
        check_constant(space, f"{key}_{number}", part)


def largest_count(space: Space, name: str, index: Index = ()) -> int:
    """The largest value that the count ``name`` can have, in the repetition ``index`` or (by default) in any."""
    constants = [space.constants[key] for key in setting_keys(name, index) if key in space.constants]
    if index and constants:
        return int(constants[0])
    domains, values = _possible(space, name, space.hyperparameters[name].when)
    for domain in domains:
        values += domain.options if isinstance(domain, Choice) else (domain.high,)
    return max(map(int, values))


def _can_be(space: Space, name: str, value: Scalar, where: Conditions) -> bool:
    domains, values = _possible(space, name, where)
    return value in values or any(domain.contains(value) for domain in domains)


def _possible(space: Space, name: str, where: Conditions) -> tuple[list[Domain], list[Scalar]]:
    """The domains of ``name``, and the values that it is fixed at or falls back to where ``where`` holds."""
    entries = [entry for entry in space.searched if entry.name == name]
    values = [space.constants[key] for key in _constant_keys(space, name)]
    if not values and not any(_follows(entry.when, where) for entry in entries):
        values.append(space.hyperparameters[name].default)
    return [entry.domain for entry in entries], values


def _follows(conditions: Conditions, where: Conditions) -> bool:
    """Whether ``where`` implies each of ``conditions``, judged by one name at a time."""
    return all(
        any(name == other and set(values) <= set(allowed) for other, values in where) for name, allowed in conditions
    )


def _counters_used(space: Space, name: str) -> tuple[str, ...]:
    """The counters of ``name`` down to the deepest level at which the space sets it separately."""
    hyperparameters = space.hyperparameters
    depths = [len(hyperparameters.counters(entry.per)) for entry in space.searched if entry.name == name]
    depths += [len(hyperparameters.split_key(key)[1]) for key in _constant_keys(space, name)]
    return hyperparameters.counters_of(name)[: max(depths, default=0)]


def _constant_keys(space: Space, name: str) -> list[str]:
    return [key for key in space.constants if space.hyperparameters.split_key(key)[0] == name]
