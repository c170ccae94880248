"""What becomes of proposed values before any training: a candidate with its costs, or a reason why not."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pipeline.architecture import FAMILIES, Architecture, Infeasible
from pipeline.hyperparameter import Scalar
from pipeline.recipe import Recipe
from pipeline.space import Space


@dataclass(frozen=True)
class Candidate:
    """Values that can be trained. ``key`` is equal for candidates of the same architecture and recipe."""

    values: dict[str, Scalar]
    architecture: Architecture
    recipe: Recipe

    @property
    def key(self) -> str:
        """A short hash of architecture and recipe."""
        return hashlib.sha256(repr((self.architecture.key(), self.recipe.key())).encode()).hexdigest()[:24]

    @property
    def costs(self) -> dict[str, int]:
        """Trainable parameters and MACs, by name."""
        return {cost: measure(self.architecture) for cost, measure in COSTS.items()}


def _parameters(architecture: Architecture) -> int:
    return architecture.parameters


def _macs(architecture: Architecture) -> int:
    return architecture.macs


COSTS: Mapping[str, Callable[[Architecture], int]] = {"parameters": _parameters, "macs": _macs}
"""How what ``limits:`` of a space may bound is measured."""


@dataclass(frozen=True)
class Verdict:
    """``violations`` by constraint (above 0: violated), the same names in every verdict of a space.

    ``candidate`` is None when there is a ``reason``; ``kind`` is the reason without its numbers.
    """

    violations: Mapping[str, float]
    candidate: Candidate | None = None
    reason: str = ""
    kind: str = ""


def judge(space: Space, values: dict[str, Scalar], shape: tuple[int, int, int], classes: int) -> Verdict:
    """Whether ``values`` can be trained on images of ``shape`` (height, width, channels)."""
    within = dict.fromkeys(space.limits, 0.0)
    try:
        architecture = FAMILIES[str(values["family"])].rule(values, shape, classes)
    except Infeasible as infeasible:
        return Verdict({"possible": 1.0, **within}, None, infeasible.reason, infeasible.kind)
    candidate = Candidate(values, architecture, Recipe.from_values(values))
    excess = {name: candidate.costs[name] / limit - 1 for name, limit in space.limits.items()}
    violations = {"possible": 0.0, **excess}
    broken = [name for name, share in excess.items() if share > 0]
    if not broken:
        return Verdict(violations, candidate)
    name = broken[0]
    reason = f"{candidate.costs[name]:,} {name} are more than the limit of {space.limits[name]:,}"
    return Verdict(violations, None, reason, f"{name} over the limit")
