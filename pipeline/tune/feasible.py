"""Whether a space has networks for a dataset at all, found out from random draws before the search begins."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, islice

from pipeline.architecture import Infeasible
from pipeline.candidate import FamilyCandidate, check_limits, design
from pipeline.data import Dataset
from pipeline.errors import SpaceError
from pipeline.hyperparameter import Params, Scalar
from pipeline.space import Space
from pipeline.space.limits import COSTS
from pipeline.space.sample import sample

_DRAWS = 100
_SECONDS = 1.0
"""Drawing ends after this long: an architecture of hundreds of layers takes 10 ms."""

_FEW_DRAWS = 20
"""Draws per size, while sizes are tried."""

_QUANTILE = 0.1
"""The share of a space's networks that a planned limit leaves at least."""

_LARGEST_SIDE = 512
"""The largest side of images that is tried to find one that fits, in pixels."""


@dataclass(frozen=True)
class NetworkSizes:
    """How many MACs the networks of a space have.

    ``least`` is a limit that admits the points to try first, the smallest start point and a tenth of the draws, at
    least 1. ``draws`` are the MACs of random networks, in ascending order. ``limited`` says whether the space or the
    job has a limit of MACs, or lifts it.
    """

    least: float
    draws: tuple[float, ...]
    limited: bool

    def mean(self, limit: float) -> float | None:
        """The mean of the draws within ``limit``; None if there are none."""
        within = [macs for macs in self.draws if macs <= limit]
        return sum(within) / len(within) if within else None


def measure_networks(space: Space, attempts: Iterable[Params], dataset: Dataset, limited: bool) -> NetworkSizes:
    """The sizes of the networks that ``attempts``, start points and draws give on a dataset, if they give one."""
    shape, classes = dataset.shape, len(dataset.classes)
    tried, start_points, drawn = (
        sorted(candidate.costs["macs"] for candidate in _design(points, shape, classes))
        for points in (attempts, space.start_from.values(), _draw(space, _DRAWS))
    )
    least = max([1, *tried, *start_points[:1], *drawn[int(_QUANTILE * len(drawn)) :][:1]])
    return NetworkSizes(least, tuple(drawn), limited)


def check_feasible(space: Space, dataset: Dataset) -> None:
    """SpaceError if no start point and no draw of the space can be trained, with the setting that helps."""
    shape, classes = dataset.shape, len(dataset.classes)
    limits = {name: limit for name, limit in space.limits.items() if name != "latency_ms"}  # it needs a calibration
    candidates, reasons = [], Counter[str]()
    for params in chain(space.start_from.values(), _draw(space, _DRAWS)):
        try:
            candidates.append(design(params, shape, classes))
        except Infeasible as infeasible:
            reasons[infeasible.kind] += 1
            continue
        if check_limits(candidates[-1], limits).candidate:
            return
    images = f"images of {shape[0]}x{shape[1]} pixels"
    if candidates:
        advice = _advise_limits(candidates, limits)
        raise SpaceError(f"space {space.name}: none of its networks for {images} is within the limits; {advice}")
    reason = max(reasons, key=reasons.__getitem__)
    fits = _smallest_side(space, shape[2], classes)
    advice = f"the smallest that fit are those of --image-size {fits}" if fits else "change the space"
    raise SpaceError(f"space {space.name}: none of its networks fits {images} ({reason}); {advice}")


def _draw(space: Space, count: int) -> Iterator[dict[str, Scalar]]:
    """Random points, fewer than ``count`` if they take long."""
    until = time.monotonic() + _SECONDS
    for params in islice(sample(space), count):
        yield params
        if time.monotonic() > until:
            return


def _design(points: Iterable[Params], shape: tuple[int, int, int], classes: int) -> Iterator[FamilyCandidate]:
    """The networks of the points that give one."""
    for params in points:
        with suppress(Infeasible):
            yield design(dict(params), shape, classes)


def _advise_limits(candidates: Sequence[FamilyCandidate], limits: Mapping[str, float]) -> str:
    """The limits that the network exceeding them least would need."""

    def excess(candidate: FamilyCandidate) -> float:
        return sum(check_limits(candidate, limits).violations.values())

    nearest = min(candidates, key=excess)
    over = {name: nearest.costs[name] for name, limit in limits.items() if nearest.costs[name] > limit}
    costs = " and ".join(f"{name} {COSTS[name].format(cost)}" for name, cost in over.items())
    flag = ",".join(f"{name}={cost:.0f}" for name, cost in over.items())
    return f"the nearest one has {costs}: give --limit {flag} or more, or a smaller --image-size"


def _smallest_side(space: Space, channels: int, classes: int) -> int | None:
    """The smallest side of square images that a start point fits, or a draw if there are none; None: too large."""

    def fits(side: int) -> bool:
        points = list(space.start_from.values()) or list(_draw(space, _FEW_DRAWS))
        return any(_design(points, (side, side, channels), classes))

    low, high = 0, 8
    while not fits(high):
        low, high = high, 2 * high
        if high > _LARGEST_SIDE:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle, high)
    return high
