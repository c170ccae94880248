"""All points of a finite space, one at a time, and their number without listing them."""

from collections.abc import Iterator, Sequence
from math import prod

from pipeline.errors import SpaceError
from pipeline.hyperparameter import Index, Params, Scalar, join_key
from pipeline.space.domain import Domain
from pipeline.space.space import SearchedHyperparameter, Space


def points(space: Space) -> Iterator[dict[str, Scalar]]:
    """Every point of a finite space once, one at a time; SpaceError that names a continuous hyperparameter."""
    _count(space)
    return _iterate(space)


def size(space: Space) -> int | None:
    """The number of points, counted without listing them; None when a continuous range makes it infinite.

    >>> from pipeline.space.load import load
    >>> size(load("grid")), size(load("quick"))
    (24, None)
    """
    try:
        return _count(space)
    except SpaceError:
        return None


def _iterate(space: Space) -> Iterator[dict[str, Scalar]]:
    """Draws again and again: each draw moves the last decision that can still move."""
    trail: list[tuple[Iterator[Scalar], Scalar]] = []
    while True:
        yield _replay(space, trail)
        while trail:
            options, _ = trail.pop()
            following = next(options, None)
            if following is not None:
                trail.append((options, following))
                break
        if not trail:
            return


def _replay(space: Space, trail: list[tuple[Iterator[Scalar], Scalar]]) -> dict[str, Scalar]:
    """The point that the decisions on ``trail`` lead to; later decisions take their first value and are added."""
    depth = 0

    def suggest(key: str, domain: Domain) -> Scalar:
        nonlocal depth
        if depth == len(trail):
            options = domain.values()
            trail.append((options, next(options)))
        depth += 1
        return trail[depth - 1][1]

    return space.draw(suggest)


def _count(space: Space) -> int:
    """The number of points; SpaceError that names a continuous hyperparameter when it is infinite.

    Only hyperparameters that others depend on are gone through value by value. The repetitions of a block do not
    see each other, so their numbers multiply.
    """
    return _Counter(space).count_scope((), (), dict(space.constants))


class _Counter:
    """Counts the points of one scope at a time: all that is repeated per the same counters, ``()`` for the rest."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self._scopes: dict[tuple[str, ...], list[SearchedHyperparameter]] = {(): []}
        self._deciding = {parent for entry in space.searched for parent, _ in entry.when}
        for entry in space.searched:
            scope = space.hyperparameters.counters(entry.per)
            self._deciding |= set(scope)
            for depth in range(len(scope) + 1):
                self._scopes.setdefault(scope[:depth], [])
            self._scopes[scope].append(entry)

    def count_scope(self, scope: tuple[str, ...], index: Index, params: Params) -> int:
        """The points of the repetition ``index`` of ``scope``, with all that repeats inside it."""
        return self._count_rest(self._scopes[scope], scope, index, params)

    def _count_rest(
        self, entries: Sequence[SearchedHyperparameter], scope: tuple[str, ...], index: Index, params: Params
    ) -> int:
        """The points that the ``entries`` that are left of a scope add to what ``params`` decide."""
        total = 1
        for number, entry in enumerate(entries, 1):
            if not self._space.varies(entry, params, index):
                continue
            options = _finite(entry)
            if entry.name in self._deciding:
                key, rest = join_key(entry.name, index), entries[number:]
                counts = (self._count_rest(rest, scope, index, {**params, key: option}) for option in options.values())
                return total * sum(counts)
            total *= options.count() or 1
        inner_scopes = [inner for inner in self._scopes if len(inner) == len(scope) + 1 and inner[:-1] == scope]
        return total * prod(self._count_repetitions(inner, index, params) for inner in inner_scopes)

    def _count_repetitions(self, scope: tuple[str, ...], index: Index, params: Params) -> int:
        repetitions = int(self._space.hyperparameters.value_of(params, scope[-1], *index))
        return prod(self.count_scope(scope, (*index, number), params) for number in range(1, repetitions + 1))


def _finite(searched: SearchedHyperparameter) -> Domain:
    if searched.domain.count() is None:
        advice = "give it a step or a choice, or search it with random or bayesian"
        raise SpaceError(f"{searched.name} is a continuous range; {advice}")
    return searched.domain
