"""The networks that points of a space give, start points and random draws among them, before the search begins."""

import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

from pipeline.architecture import Infeasible
from pipeline.candidate import FamilyCandidate, check_limits, design
from pipeline.data import Dataset
from pipeline.data.decode import Shape
from pipeline.hyperparameter import Params, Scalar
from pipeline.space import Space
from pipeline.space.sample import sample

DRAWS = 100
_SECONDS = 1.0
"""Drawing ends after this long: an architecture of hundreds of layers takes 10 ms."""

_QUANTILE = 0.1
"""The share of a space's networks that a planned limit leaves at least."""


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
    """The sizes of the networks of ``attempts``, start points and draws that are within the space's limits."""
    shape, classes, limits = dataset.shape, len(dataset.classes), known_limits(space)
    tried, start_points, drawn = (
        sorted(
            candidate.costs["macs"]
            for candidate in design_all(points, shape, classes)
            if check_limits(candidate, limits).candidate
        )
        for points in (attempts, space.start_from.values(), draw(space, DRAWS))
    )
    least = max([1, *tried, *start_points[:1], *drawn[int(_QUANTILE * len(drawn)) :][:1]])
    return NetworkSizes(least, tuple(drawn), limited)


def known_limits(space: Space) -> dict[str, float]:
    """The limits on costs that are known without a calibration."""
    return {name: limit for name, limit in space.limits.items() if name != "latency_ms"}


def draw(space: Space, count: int) -> Iterator[dict[str, Scalar]]:
    """Random points, fewer than ``count`` if they take long."""
    until = time.monotonic() + _SECONDS
    for params in islice(sample(space), count):
        yield params
        if time.monotonic() > until:
            return


def design_all(points: Iterable[Params], shape: Shape, classes: int) -> Iterator[FamilyCandidate]:
    """The networks of the points that give one."""
    for params in points:
        with suppress(Infeasible):
            yield design(dict(params), shape, classes)
