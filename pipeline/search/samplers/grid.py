"""Every point of a finite space once."""

from typing import TYPE_CHECKING

from pipeline.search.samplers.sampler import Sampler, SearchPlan

if TYPE_CHECKING:
    from pipeline.space import Space


def plan(space: "Space", seed: int) -> SearchPlan:
    """All points in a fixed order. SpaceError that names a continuous hyperparameter."""
    from pipeline.space import points

    return SearchPlan(points(space), None)


GRID = Sampler("grid", "every point of a finite space once", plan, exhaustive=True)
