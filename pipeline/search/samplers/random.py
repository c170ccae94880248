"""Independent uniform draws."""

from typing import TYPE_CHECKING

from pipeline.search.samplers.sampler import Sampler, SearchPlan

if TYPE_CHECKING:
    from pipeline.space import Space


def plan(space: "Space", seed: int) -> SearchPlan:
    """Each hyperparameter is drawn evenly over its domain, or over its logarithm where the space says so."""
    from optuna.samplers import RandomSampler

    return SearchPlan(iter(()), RandomSampler(seed))


RANDOM = Sampler("random", "independent uniform draws", plan)
