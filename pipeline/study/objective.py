"""The objectives of a study (the best score and, optionally, low costs), and the Pareto front of several."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.errors import nearest
from pipeline.metrics import DEFAULT_METRIC, Metric

SCORE = "score"
"""The objective that stands for the score, whatever the metric is."""

MINIMIZED: Mapping[str, str] = {"parameters": "parameters", "macs": "macs", "latency": "latency_ms"}
"""The objectives other than the score, all minimised: the name of each, and the cost that measures it."""

OBJECTIVES = (SCORE, *MINIMIZED)
"""The names of all objectives."""


@dataclass(frozen=True)
class Objective:
    """The metric of a study, and the names of the costs that it also minimises (often none)."""

    metric: Metric = DEFAULT_METRIC
    minimized: tuple[str, ...] = ()

    @property
    def directions(self) -> tuple[str, ...]:
        """Optuna's direction for the score, then for each cost."""
        return (self.metric.direction.value, *("minimize" for _ in self.minimized))


def parse_objectives(value: object) -> tuple[str, ...]:
    """Reads objectives from a list or a text such as ``score,macs``; returns them in the order of ``OBJECTIVES``.

    ValueError unless all names are known, none is repeated, and the score is among them.

    >>> parse_objectives("macs,score")
    ('score', 'macs')
    """
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not all(isinstance(part, str) for part in parts):
        raise ValueError(f"expected a list of {', '.join(OBJECTIVES)}")
    names = [part.strip() for part in parts]
    for name in names:
        if name not in OBJECTIVES:
            raise ValueError(f"expected any of {', '.join(OBJECTIVES)}{nearest(name, OBJECTIVES)}")
    if len(set(names)) < len(names):
        raise ValueError("expected each objective once")
    if SCORE not in names:
        raise ValueError("expected score among them, since it decides pruning and the best model")
    return tuple(name for name in OBJECTIVES if name in names)


def minimized_costs(objectives: Sequence[str]) -> tuple[str, ...]:
    """The costs that the objectives minimise, in their order; empty where the score is the only objective.

    >>> minimized_costs(("score", "latency"))
    ('latency_ms',)
    """
    return tuple(MINIMIZED[name] for name in objectives if name != SCORE)


def pareto_front(points: Sequence[tuple[float, ...]]) -> set[int]:
    """The indices of the points that no other point dominates. Smaller is better; NaN is not allowed.

    A point dominates another if none of its values is larger and at least one is smaller, so equal points do not
    exclude each other. A point sorts before those that it dominates, so it is compared only with those kept before it.

    >>> sorted(pareto_front([(1, 5), (2, 2), (3, 3)]))
    [0, 1]
    """
    kept: list[int] = []
    for index in sorted(range(len(points)), key=points.__getitem__):
        if not any(_dominates(points[other], points[index]) for other in kept):
            kept.append(index)
    return set(kept)


def _dominates(point: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return point != other and all(mine <= theirs for mine, theirs in zip(point, other, strict=True))
