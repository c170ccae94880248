"""Whether a space has networks for a dataset at all, found out before the search begins."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from itertools import chain

from pipeline.architecture import Infeasible
from pipeline.candidate import FamilyCandidate, check_limits, design
from pipeline.data.decode import Shape
from pipeline.errors import SpaceError
from pipeline.hyperparameter import Params, Scalar
from pipeline.space import Domain, Space
from pipeline.space.complete import adapt
from pipeline.space.limits import COSTS
from pipeline.steps.networks import DRAWS, design_all, draw, known_limits

_SECONDS = 1.0
"""After this long, networks are not brought nearer to the limits any more."""

_STEPS = 8
"""Values that are tried of each hyperparameter, from its lowest to its highest."""

_FEW_DRAWS = 20
"""Draws per size, while sizes are tried."""

_LARGEST_SIDE = 512
"""The largest side of images that is tried to find one that fits, in pixels."""


def check_feasible(space: Space, attempts: Iterable[Params], shape: Shape, classes: int) -> None:
    """SpaceError, with the setting that helps, if no network of the space is found that can be trained.

    Attempts, start points and draws are tried for images of ``shape`` and so many classes; then the one nearest to the
    limits is changed, one hyperparameter after another, as long as that brings it nearer.
    """
    limits = known_limits(space)
    candidates = []
    for candidate in design_all(chain(attempts, space.start_from.values(), draw(space, DRAWS)), shape, classes):
        if check_limits(candidate, limits).candidate:
            return
        candidates.append(candidate)
    images = f"images of {shape[0]}x{shape[1]} pixels"
    if not candidates:
        fits = _smallest_side(space, shape[2], classes)
        advice = f"the smallest that fit are those of --image-size {fits}" if fits else "change the space"
        raise SpaceError(
            f"space {space.name}: none of its networks fits {images} ({_reason(space, shape, classes)}); {advice}"
        )
    nearest = _approach(space, min(candidates, key=partial(_excess, limits)), limits, shape, classes)
    if _excess(limits, nearest) > 0:
        advice = _advise_limits(nearest, limits)
        raise SpaceError(f"space {space.name}: no network for {images} is within the limits; {advice}")


def _excess(limits: Mapping[str, float], candidate: FamilyCandidate) -> float:
    """How far a network is over the limits; 0 if it is within all of them."""
    return sum(check_limits(candidate, limits).violations.values())


def _approach(
    space: Space, candidate: FamilyCandidate, limits: Mapping[str, float], shape: Shape, classes: int
) -> FamilyCandidate:
    """A network nearer to the limits, found by changing one hyperparameter at a time; at most for a second or so."""
    nearest, until = candidate, time.monotonic() + _SECONDS
    while _excess(limits, nearest) > 0 and time.monotonic() < until:
        changed = design_all(_neighbours(space, nearest.params), shape, classes)
        best = min(changed, key=partial(_excess, limits), default=nearest)
        if _excess(limits, best) >= _excess(limits, nearest):
            break
        nearest = best
    return nearest


def _neighbours(space: Space, params: Params) -> Iterator[dict[str, Scalar]]:
    """The points that differ in one hyperparameter, and in what depends on it."""
    domains: dict[str, Domain] = {}

    def suggest(key: str, domain: Domain) -> Scalar:
        domains[key] = domain
        return params[key]

    space.draw(suggest)
    for key, domain in domains.items():
        for value in {domain.at(step / _STEPS) for step in range(_STEPS)} - {params[key]}:
            yield adapt(space, {**params, key: value})


def _reason(space: Space, shape: Shape, classes: int) -> str:
    """Why most points give no network."""
    kinds = Counter[str]()
    for params in chain(space.start_from.values(), draw(space, _FEW_DRAWS)):
        try:
            design(params, shape, classes)
        except Infeasible as infeasible:
            kinds[infeasible.kind] += 1
    return max(kinds, key=kinds.__getitem__)


def _advise_limits(nearest: FamilyCandidate, limits: Mapping[str, float]) -> str:
    """The limits that the network exceeding them least would need."""
    over = {name: nearest.costs[name] for name, limit in limits.items() if nearest.costs[name] > limit}
    costs = " and ".join(f"{COSTS[name].format(cost)} {name}" for name, cost in over.items())
    flag = ",".join(f"{name}={cost:.0f}" for name, cost in over.items())
    return f"the nearest one has {costs}: give --limit {flag} or more"


def _smallest_side(space: Space, channels: int, classes: int) -> int | None:
    """The smallest side of square images that a start point fits, or a draw if there are none; None: too large."""

    def fits(side: int) -> bool:
        points = list(space.start_from.values()) or list(draw(space, _FEW_DRAWS))
        return any(design_all(points, (side, side, channels), classes))

    low, high = 0, 8
    while not fits(high):
        low, high = high, 2 * high
        if high > _LARGEST_SIDE:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle, high)
    return high
