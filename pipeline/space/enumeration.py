"""All points of a finite space, one at a time, and their number without making them."""

from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING

from pipeline.errors import SpaceError
from pipeline.hyperparameter import Scalar, Values, read
from pipeline.space.domain import Domain
from pipeline.space.names import Index, counters, expand

if TYPE_CHECKING:
    from pipeline.space.space import Parameter, Space


def points(space: "Space") -> Iterator[dict[str, Scalar]]:
    """Every point once, by drawing again and again: each draw moves the last decision that still can move."""
    trail: list[tuple[Iterator[Scalar], Scalar]] = []
    while True:
        yield _replay(space, trail)
        while trail:
            values, _ = trail.pop()
            following = next(values, None)
            if following is not None:
                trail.append((values, following))
                break
        if not trail:
            return


def _replay(space: "Space", trail: list[tuple[Iterator[Scalar], Scalar]]) -> dict[str, Scalar]:
    """The point that the decisions on ``trail`` lead to; decisions that follow them take their first value."""
    depth = 0

    def suggest(name: str, domain: Domain) -> Scalar:
        nonlocal depth
        if depth == len(trail):
            values = domain.values()
            trail.append((values, next(values)))
        depth += 1
        return trail[depth - 1][1]

    return space.draw(suggest)


def size(space: "Space") -> int:
    """The number of points; SpaceError that names a continuous parameter when there is no such number.

    Only parameters that others depend on are gone through value by value. The repetitions of a block do not
    see each other, so their numbers multiply.
    """
    return _Count(space).below((), (), dict(space.constants))


class _Count:
    def __init__(self, space: "Space") -> None:
        self._space = space
        self._scopes: dict[tuple[str, ...], list[Parameter]] = {(): []}
        self._deciding = {parent for one in space.parameters for parent, _ in one.when}
        for one in space.parameters:
            scope = counters(space.known, one.per)
            self._deciding |= set(scope)
            for depth in range(len(scope) + 1):
                self._scopes.setdefault(scope[:depth], [])
            self._scopes[scope].append(one)

    def below(self, scope: tuple[str, ...], index: Index, values: Values) -> int:
        """Points of one repetition (``index``) of ``scope``, with all that repeats inside it."""
        return self._choose(self._scopes[scope], scope, index, values)

    def _choose(self, left: "list[Parameter]", scope: tuple[str, ...], index: Index, values: Values) -> int:
        total = 1
        for place, parameter in enumerate(left):
            if not self._space.varies(parameter, values, index):
                continue
            if parameter.name in self._deciding:
                name, rest = expand(parameter.name, index), left[place + 1 :]
                options = _finite(parameter).values()
                return total * sum(self._choose(rest, scope, index, {**values, name: one}) for one in options)
            total *= _finite(parameter).count() or 1
        inside = [inner for inner in self._scopes if len(inner) == len(scope) + 1 and inner[:-1] == scope]
        return total * prod(self._inside(inner, index, values) for inner in inside)

    def _inside(self, scope: tuple[str, ...], index: Index, values: Values) -> int:
        count = int(read(self._space.known, values, scope[-1], *index))
        return prod(self.below(scope, (*index, number), values) for number in range(1, count + 1))


def _finite(parameter: "Parameter") -> Domain:
    if parameter.domain.count() is None:
        hint = "give it a step or a choice, or search it with random or bayesian"
        raise SpaceError(f"{parameter.name} is a continuous range; {hint}")
    return parameter.domain
