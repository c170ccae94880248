"""What becomes of proposed values before any training: a candidate with its costs, or a reason why not."""

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

from pipeline.architecture import FAMILIES, Architecture, Infeasible
from pipeline.architecture.latency import LatencyModel
from pipeline.data import Dataset
from pipeline.executors import Task
from pipeline.hyperparameter import Scalar
from pipeline.model_card import ModelCard
from pipeline.recipe import Recipe
from pipeline.space import Space
from pipeline.space.limits import COSTS
from pipeline.training.task import TrainTask
from pipeline.trial import Trial

_IMPOSSIBLE = 10.0
"""The violation of what is no network: nothing says how far it is from one, so it stands behind networks up to e^10
times over a limit. TPE takes infeasible proposals as good ones while it has too few feasible, by the least sum."""


class Candidate(Protocol):
    """Values that can be trained, whatever builds the network. ``key`` is equal for candidates that train alike."""

    @property
    def values(self) -> dict[str, Scalar]:
        """The complete point of the space."""

    @property
    def key(self) -> str:
        """A short hash."""

    @property
    def costs(self) -> Mapping[str, float]:
        """What is known of its costs, by the names of ``pipeline.space.limits.COSTS``."""

    def task(self, trial: Trial, data: Dataset, precision: str, model_file: Path, card: ModelCard) -> Task:
        """The trial as a worker gets it."""


@dataclass(frozen=True)
class FamilyCandidate:
    """A candidate of one of the FAMILIES. ``key`` is equal for the same architecture and recipe.

    ``latency`` predicts how long it takes, None where that was not calibrated.
    """

    values: dict[str, Scalar]
    architecture: Architecture
    recipe: Recipe
    latency: LatencyModel | None = None

    @cached_property
    def key(self) -> str:
        """A short hash of architecture and recipe."""
        return hashlib.sha256(repr((self.architecture.key(), self.recipe.key())).encode()).hexdigest()[:24]

    @cached_property
    def costs(self) -> dict[str, float]:
        """All of ``pipeline.space.limits.COSTS`` by name, ``latency_ms`` only with a calibration."""
        network, recipe = self.architecture, self.recipe
        counted = {
            "parameters": network.parameters,
            "macs": network.macs,
            "memory": network.memory(recipe.batch_size, recipe.slots),
        }
        return counted | ({} if self.latency is None else {"latency_ms": self.latency.predict(network)})

    def task(self, trial: Trial, data: Dataset, precision: str, model_file: Path, card: ModelCard) -> Task:
        """The trial as a worker gets it."""
        return TrainTask(trial, data, precision, model_file, card, self.architecture, self.recipe)


@dataclass(frozen=True)
class Verdict:
    """``violations`` by constraint (above 0: violated), the same names in every verdict of a space.

    ``candidate`` is None when there is a ``reason``; ``kind`` is the reason without its numbers.
    """

    violations: Mapping[str, float]
    candidate: Candidate | None = None
    reason: str = ""
    kind: str = ""


Judge = Callable[[dict[str, Scalar]], Verdict]
"""What becomes of values in a study."""


def judge(
    space: Space,
    values: dict[str, Scalar],
    shape: tuple[int, int, int],
    classes: int,
    latency: LatencyModel | None = None,
) -> Verdict:
    """Whether ``values`` can be trained on images of ``shape`` (height, width, channels).

    A limit on ``latency_ms`` needs ``latency``: KeyError without.
    """
    try:
        return weighed(designed(values, shape, classes, latency), space.limits)
    except Infeasible as infeasible:
        return impossible(infeasible.reason, infeasible.kind, space.limits)


def designed(
    values: dict[str, Scalar], shape: tuple[int, int, int], classes: int, latency: LatencyModel | None = None
) -> FamilyCandidate:
    """The candidate that a family makes of ``values``, whatever it costs; Infeasible when there is none."""
    architecture = FAMILIES[str(values["family"])].rule(values, shape, classes)
    return FamilyCandidate(values, architecture, Recipe.from_values(values), latency)


def impossible(reason: str, kind: str, limits: Iterable[str]) -> Verdict:
    """The verdict on values that are no network."""
    return Verdict({"possible": _IMPOSSIBLE, **dict.fromkeys(limits, 0.0)}, None, reason, kind)


def weighed(candidate: Candidate, limits: Mapping[str, float]) -> Verdict:
    """The verdict on what can be built: whether each of ``limits``, by the name of the cost, holds.

    A violation is the logarithm of cost over limit, so that one limit exceeded a hundredfold weighs as much as two
    exceeded tenfold. The reason names the limit that is exceeded most.
    """
    over = {name: math.log(max(candidate.costs[name], limit) / limit) for name, limit in limits.items()}
    violations = {"possible": 0.0, **over}
    worst = max(over, key=over.__getitem__, default="")
    if not worst or over[worst] == 0:
        return Verdict(violations, candidate)
    cost, limit = (COSTS[worst].shown(value) for value in (candidate.costs[worst], limits[worst]))
    return Verdict(violations, None, f"{worst}: {cost} is more than the limit of {limit}", f"{worst} over the limit")
