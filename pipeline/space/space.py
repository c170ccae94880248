"""A search space: parameters that may vary, in an order in which what governs comes before what is governed."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from pipeline.errors import SpaceError
from pipeline.hyperparameter import Conditions, Scalar, Values
from pipeline.space import checks, complete, enumeration, limits
from pipeline.space.domain import Domain, shown
from pipeline.space.names import (
    Index,
    Known,
    at,
    counters,
    expand,
    flatten,
    hint,
    indices,
    lineage,
    missing,
    parse,
    unmet,
)


@dataclass(frozen=True)
class Parameter:
    """One parameter of a space.

    ``per`` names what counts its repetitions (None: one value, shared by all of them). It is active where every
    parent of ``when`` has one of its allowed values; a parent that is itself inactive counts with its default.
    What its hyperparameter hangs on, such as the family, is among ``when`` too.
    """

    name: str
    domain: Domain
    per: str | None = None
    when: Conditions = ()


@dataclass(frozen=True)
class Space:
    """What a search may try. ``load`` makes one from a file; its parameters are ordered, parents before children.

    ``known`` are the hyperparameters that it could set; ``constants`` holds what does not vary, under expanded names
    where repetitions differ; ``start_from`` are complete points to try first, by name; ``limits`` bound the costs of
    a candidate.
    """

    name: str
    known: Known
    parameters: tuple[Parameter, ...]
    constants: Mapping[str, Scalar]
    start_from: Mapping[str, dict[str, Scalar]]
    limits: Mapping[str, float]

    def draw(self, suggest: Callable[[str, Domain], Scalar]) -> dict[str, Scalar]:
        """One point: ``suggest`` is asked once for each active repetition, under its expanded name, parents first.

        The constants that apply are part of the point. SpaceError when a suggestion is outside its domain.
        """
        values = dict(self.constants)
        for parameter in self.parameters:
            for index in indices(self.known, values, counters(self.known, parameter.per)):
                if self.varies(parameter, values, index):
                    name = expand(parameter.name, index)
                    values[name] = _member(name, parameter.domain, suggest(name, parameter.domain))
        return {key: value for key, value in values.items() if self._applies(key, values)}

    def points(self) -> Iterator[dict[str, Scalar]]:
        """Every point of a finite space once, one at a time; SpaceError that names a continuous parameter."""
        enumeration.size(self)
        return enumeration.points(self)

    def size(self) -> int | None:
        """The number of points, counted without making them; None when a continuous range makes it infinite."""
        try:
            return enumeration.size(self)
        except SpaceError:
            return None

    def complete(self, point: Mapping[str, Any] | str) -> dict[str, Scalar]:
        """A hand-picked point made whole; a word is the name of a start point.

        ``filters: 32`` sets every block, ``filters: [32, 64, 128]`` one a block, ``filters_2: 64`` one of them;
        ``filters: [[32], [64, 64]]`` one a convolution of each block.
        What is left out takes its default if the space holds it, else the first value of its domain.
        SpaceError for an unknown name or key, a value outside the space, and a key that has no effect there.
        """
        with at(f"space {self.name}"):
            return self._named(point) if isinstance(point, str) else complete.complete(self, point)

    def limited(self, settings: Mapping[str, Any]) -> "Space":
        """The space with some of its limits replaced, ``none`` lifting one; SpaceError for what is no limit."""
        kept = dict(self.limits)
        with at(f"space {self.name}"):
            for name, value in settings.items():
                if name not in limits.COSTS:
                    raise SpaceError(f"unknown limit {shown(name)}{hint(name, limits.COSTS)}")
                kept.pop(name, None)
                if value != "none":
                    kept[name] = limits.parse(name, value)
        return replace(self, limits={name: kept[name] for name in limits.COSTS if name in kept})

    def fixed(self, settings: Mapping[str, Any]) -> "Space":
        """The space with some parameters made constant: ``kernel=3`` for all repetitions, ``kernel_2=5`` for one.

        A value need not lie in the searched range. ``start_from`` follows: its points take the new constants, and
        those of a family that is no longer possible go.
        SpaceError when a key is unknown or a value is not legal for the hyperparameter.
        """
        space = self
        for key in sorted(settings):  # kernel comes before kernel_2, which it would undo
            with at(f"space {self.name}: {key}"):
                space = space._fix(key, settings[key])
        for key, value in settings.items():
            with at(f"space {self.name}: {key}"):
                checks.reach(space, key, value)
        with at(f"space {self.name}"):
            checks.conditions(space)
            checks.repetitions(space)
        moved = {name: complete.adapted(space, point) for name, point in self.start_from.items()}
        kept = {name: one for name, one in moved.items() if one.get("family") == self.start_from[name].get("family")}
        return replace(space, start_from=kept)

    @cached_property
    def fingerprint(self) -> str:
        """16 hex digits of what the space holds; order in the file, comments, name and start points do not count."""
        parameters = {
            one.name: [type(one.domain).__name__, vars(one.domain), one.per, dict(one.when)] for one in self.parameters
        }
        content = {"constants": dict(self.constants), "parameters": parameters, "limits": dict(self.limits)}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]

    def rows(self) -> list[dict[str, Any]]:
        """One row for each parameter, then for each constant.

        It holds parameter, range, condition, points (None: infinite), default and help.
        """
        rows = [
            self._row(one.name, str(one.domain), [f"per {one.per}"] * bool(one.per), one.when, one.domain.count())
            for one in self.parameters
        ]
        whens = {key: self.known[parse(self.known, key)[0]].when for key in self.constants}
        return rows + [self._row(key, shown(value), ["fixed"], whens[key], 1) for key, value in self.constants.items()]

    def varies(self, parameter: Parameter, values: Values, index: Index) -> bool:
        """Whether ``parameter`` is drawn at ``index``: its conditions hold there and no constant sets it."""
        if any(key in self.constants for key in lineage(parameter.name, index)):
            return False
        return unmet(self.known, values, parameter.when, index) is None

    def _applies(self, key: str, values: Values) -> bool:
        return key not in self.constants or missing(self.known, values, *parse(self.known, key)) is None

    def _named(self, name: str) -> dict[str, Scalar]:
        if name in self.start_from:
            return self.start_from[name]
        expected = hint(name, self.start_from) if self.start_from else "; it has none: write parameter=value,..."
        raise SpaceError(f"unknown start point {shown(name)}{expected}")

    def _fix(self, key: str, value: Any) -> "Space":
        name, index = parse(self.known, key)
        constants = flatten(self.known, key, value)
        kept = {k: v for k, v in self.constants.items() if not self._under(k, name, index)}
        parameters = tuple(one for one in self.parameters if index or one.name != name)
        return replace(self, parameters=parameters, constants=kept | constants, start_from={})

    def _under(self, key: str, name: str, index: Index) -> bool:
        base, place = parse(self.known, key)
        return base == name and place[: len(index)] == index

    def _row(self, name: str, values: str, how: list[str], when: Conditions, points: int | None) -> dict[str, Any]:
        known = self.known[parse(self.known, name)[0]]
        whens = (f"when {parent} is {' or '.join(map(shown, allowed))}" for parent, allowed in when)
        return {
            "parameter": name,
            "range": values,
            "condition": ", ".join([*how, *whens]),
            "points": points,
            "default": known.default,
            "help": known.help,
        }


def _member(name: str, domain: Domain, value: Scalar) -> Scalar:
    member = domain.member(value)
    if member is None:
        raise SpaceError(f"{name}: {shown(value)} is outside {domain}")
    return member
