"""Judges proposed params before any training: they give a candidate with its costs, or a reason why not."""

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from pipeline.architecture import FAMILIES, Architecture, Infeasible
from pipeline.hyperparameter import Scalar
from pipeline.recipe import Recipe
from pipeline.space import Space
from pipeline.space.limits import COSTS

_IMPOSSIBLE = 10.0
"""The violation of params that give no network: they rank behind networks up to e^10 times over a limit.

While TPE has too few feasible trials, it counts infeasible ones as good, smallest sum of violations first.
"""


PredictLatency = Callable[[Architecture], float]
"""Predicts the milliseconds of a forward pass of one image."""


class Candidate(Protocol):
    """Params that can be trained, whatever builds the network."""

    @property
    def params(self) -> dict[str, Scalar]:
        """The complete point of the space."""

    @property
    def key(self) -> str:
        """A short hash, equal for candidates that train alike."""

    @property
    def costs(self) -> Mapping[str, float]:
        """The known costs, by their names in ``pipeline.space.limits.COSTS``."""


@dataclass(frozen=True)
class FamilyCandidate:
    """A candidate of one of the FAMILIES; ``latency`` predicts its latency (None without a calibration)."""

    params: dict[str, Scalar]
    architecture: Architecture
    recipe: Recipe
    latency: PredictLatency | None = None

    @cached_property
    def key(self) -> str:
        """A short hash of architecture and recipe."""
        return hashlib.sha256(repr((self.architecture.key(), self.recipe.key())).encode()).hexdigest()[:24]

    @cached_property
    def costs(self) -> dict[str, float]:
        """All of ``pipeline.space.limits.COSTS`` by name, ``latency_ms`` only with a calibration."""
        network, recipe = self.architecture, self.recipe
        costs = {
            "parameters": network.parameters,
            "macs": network.macs,
            "memory": network.memory(recipe.batch_size, recipe.optimizer_slots),
        }
        return costs | ({} if self.latency is None else {"latency_ms": self.latency(network)})


@dataclass(frozen=True)
class Feasibility:
    """Whether proposed params can be trained.

    ``violations`` has one entry per constraint (above 0: violated); the names are the same for all params of a space.
    ``candidate`` is None when there is a ``reason``; ``kind`` is the reason without its numbers.
    """

    violations: Mapping[str, float]
    candidate: Candidate | None = None
    reason: str = ""
    kind: str = ""


Judge = Callable[[dict[str, Scalar]], Feasibility]
"""Finds out whether params can be trained in a study."""


def judge(
    space: Space,
    params: dict[str, Scalar],
    shape: tuple[int, int, int],
    classes: int,
    latency: PredictLatency | None = None,
) -> Feasibility:
    """Whether ``params`` can be trained on images of ``shape`` (height, width, channels) within the space's limits.

    KeyError if the space limits ``latency_ms`` and ``latency`` is None.
    """
    try:
        return check_limits(design(params, shape, classes, latency), space.limits)
    except Infeasible as infeasible:
        return impossible(infeasible.reason, infeasible.kind, space.limits)


def design(
    params: dict[str, Scalar], shape: tuple[int, int, int], classes: int, latency: PredictLatency | None = None
) -> FamilyCandidate:
    """The candidate that a family builds from ``params``, whatever it costs; Infeasible if they give no network."""
    architecture = FAMILIES[str(params["family"])].build(params, shape, classes)
    return FamilyCandidate(params, architecture, Recipe.from_params(params), latency)


def impossible(reason: str, kind: str, limits: Iterable[str]) -> Feasibility:
    """The feasibility of params that give no network."""
    return Feasibility({"possible": _IMPOSSIBLE, **dict.fromkeys(limits, 0.0)}, None, reason, kind)


def check_limits(candidate: Candidate, limits: Mapping[str, float]) -> Feasibility:
    """Whether the candidate's costs are within ``limits``: upper bounds by the name of the cost.

    A violation is the logarithm of cost over limit, so that one limit exceeded a hundredfold weighs as much as two
    exceeded tenfold. The reason names the limit exceeded most.
    """
    excess = {name: math.log(max(candidate.costs[name], limit) / limit) for name, limit in limits.items()}
    violations = {"possible": 0.0, **excess}
    worst = max(excess, key=excess.__getitem__, default="")
    if not worst or excess[worst] == 0:
        return Feasibility(violations, candidate)
    cost, limit = (COSTS[worst].format(amount) for amount in (candidate.costs[worst], limits[worst]))
    reason = f"{worst}: {cost} is more than the limit of {limit}"
    return Feasibility(violations, None, reason, f"{worst} over the limit")
