"""Names of a parameter's repetitions: ``filters_2`` is ``filters`` of the second block."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from pipeline.architecture import FAMILIES
from pipeline.errors import SpaceError, nearest
from pipeline.hyperparameter import Conditions, Hyperparameter, Scalar, Values, read
from pipeline.recipe import HYPERPARAMETERS
from pipeline.space.domain import shown

Known = Mapping[str, Hyperparameter]
Index = tuple[int, ...]


def hyperparameters(families: Iterable[str]) -> Known:
    """What a space of these families can set: the family, what each of them knows, then the recipe's.

    What not all of the families know has an effect only with those that do.
    """
    tables = {family: FAMILIES[family].hyperparameters for family in families}
    default = "plain" if "plain" in tables else next(iter(tables))
    known = {"family": Hyperparameter("family", default, "the kind of network", options=tuple(tables))}
    for table in tables.values():
        for name, one in table.items():
            knowing = tuple(family for family in tables if name in tables[family])
            known[name] = one if len(knowing) == len(tables) else replace(one, when=(("family", knowing),))
    return MappingProxyType({**known, **HYPERPARAMETERS})


def expand(name: str, index: Index) -> str:
    """``("filters", (2,))`` as ``filters_2``."""
    return "_".join([name, *map(str, index)])


def lineage(name: str, index: Index) -> Iterator[str]:
    """The keys that can set one repetition, its own first: ``kernel_1_2``, ``kernel_1``, ``kernel``."""
    return (expand(name, index[:end]) for end in range(len(index), -1, -1))


def counters(known: Known, per: str | None) -> tuple[str, ...]:
    """What counts the repetitions, outermost first: ``("blocks", "convs")`` for something per convolution."""
    return () if per is None else (*counters(known, known[per].per), per)


def parse(known: Known, key: str) -> tuple[str, Index]:
    """The hyperparameter and the repetition that ``key`` means; SpaceError when there is no such thing."""
    if key in known:
        return key, ()
    matches = ((name, re.fullmatch(rf"{re.escape(name)}((?:_[1-9][0-9]{{0,5}})+)", key)) for name in known)
    name, match = next((pair for pair in matches if pair[1]), ("", None))
    if match is None:
        raise SpaceError(f"unknown parameter {shown(key)}{hint(key, known)}")
    index = tuple(int(number) for number in match[1].split("_")[1:])
    if len(index) > len(counters(known, known[name].per)):
        raise SpaceError(f"unknown parameter {shown(key)}: {name} is not repeated that often; write {name}")
    return name, index


def repeated(known: Known, key: str) -> bool:
    """Whether ``key`` means one repetition: ``filters_2``, and not ``filters``."""
    try:
        return parse(known, key)[1] != ()
    except SpaceError:
        return False


def flatten(known: Known, key: str, value: Any) -> dict[str, Scalar]:
    """``filters: [32, 64]`` as ``filters_1`` and ``filters_2``; SpaceError for a value that is not legal there."""
    name, index = parse(known, key)
    if not isinstance(value, list):
        fault = known[name].fault(value)
        if fault is not None:
            raise SpaceError(fault)
        return {key: cast(known[name], value)}
    if len(index) >= len(counters(known, known[name].per)):
        raise SpaceError(f"expected one value, got a list of {len(value)}")
    return {k: v for i, one in enumerate(value, 1) for k, v in flatten(known, f"{key}_{i}", one).items()}


def cast(hyperparameter: Hyperparameter, value: Scalar) -> Scalar:
    """A legal ``value`` in the hyperparameter's own type: 1 is 1.0 where a number is meant."""
    return float(value) if isinstance(hyperparameter.default, float) else value


def indices(known: Known, values: Values, counted_by: tuple[str, ...], index: Index = ()) -> Iterator[Index]:
    """Every repetition there is under ``values``, in order; one empty index where nothing is counted."""
    if len(index) == len(counted_by):
        yield index
        return
    for number in range(1, int(read(known, values, counted_by[len(index)], *index)) + 1):
        yield from indices(known, values, counted_by, (*index, number))


def unmet(known: Known, values: Values, when: Conditions, index: Index) -> str | None:
    """The first of the conditions that does not hold at ``index`` (``pool_2 is none``), None when all do."""
    for name, allowed in when:
        held = read(known, values, name, *index)
        if held not in allowed:
            return f"{expand(name, index[: len(counters(known, known[name].per))])} is {shown(held)}"
    return None


def missing(known: Known, values: Values, name: str, index: Index) -> str | None:
    """Why ``name`` has no such repetition, or no effect, under ``values`` (``blocks is 3``); None when it has."""
    if (reason := unmet(known, values, known[name].when, index)) is not None:
        return reason
    for depth, counter in enumerate(counters(known, known[name].per)):
        count = int(read(known, values, counter, *index[:depth]))
        if count < (index[depth] if depth < len(index) else 1):
            return f"{expand(counter, index[:depth])} is {count}"
    return None


@contextmanager
def at(place: str) -> Iterator[None]:
    """Puts ``place`` in front of a SpaceError that is raised inside."""
    try:
        yield
    except SpaceError as error:
        raise SpaceError(f"{place}: {error}") from None


def hint(word: str, options: Iterable[str]) -> str:
    """``, did you mean 'blocks'?``, or the options when none of them is near."""
    options = list(options)
    return nearest(word, options) or f"; there are {', '.join(options)}"
