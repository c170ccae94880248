"""The ways to search: one file per sampler, and one table. Optuna is imported when a search begins."""

from collections.abc import Mapping

from pipeline.search.samplers.bayesian import BAYESIAN
from pipeline.search.samplers.grid import GRID
from pipeline.search.samplers.random import RANDOM
from pipeline.search.samplers.sampler import Sampler, SearchPlan

__all__ = ["SAMPLERS", "Sampler", "SearchPlan"]

SAMPLERS: Mapping[str, Sampler] = {sampler.name: sampler for sampler in (GRID, RANDOM, BAYESIAN)}
