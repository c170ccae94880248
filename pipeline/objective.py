"""What a study is judged by: the validation accuracy, and the costs to keep low beside it."""

from collections.abc import Mapping, Sequence

from pipeline.errors import nearest

ACCURACY = "accuracy"

MINIMISED: Mapping[str, str] = {"parameters": "parameters", "macs": "macs", "latency": "latency_ms"}
"""What may be minimised beside the accuracy: its name, and that of the candidate's cost that measures it."""

OBJECTIVES = (ACCURACY, *MINIMISED)
_ALIASES = {"value": ACCURACY}


def parse(value: object) -> tuple[str, ...]:
    """The objectives of a list or of a text such as ``accuracy,macs``, in the order of ``OBJECTIVES``.

    ValueError unless they are known names, each once, and the accuracy is among them.
    """
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not all(isinstance(part, str) for part in parts):
        raise ValueError(f"expected a list of {', '.join(OBJECTIVES)}")
    names = [_ALIASES.get(part.strip(), part.strip()) for part in parts]
    for name in names:
        if name not in OBJECTIVES:
            raise ValueError(f"expected any of {', '.join(OBJECTIVES)}{nearest(name, OBJECTIVES)}")
    if len(set(names)) < len(names):
        raise ValueError("expected each objective once")
    if ACCURACY not in names:
        raise ValueError("expected accuracy among them, since pruning and the best model go by it")
    return tuple(name for name in OBJECTIVES if name in names)


def minimised(objective: Sequence[str]) -> tuple[str, ...]:
    """The costs that the objectives minimise, in their order; empty where accuracy is the only one."""
    return tuple(MINIMISED[name] for name in objective if name != ACCURACY)


def front(points: Sequence[tuple[float, ...]]) -> set[int]:
    """The indices of the Pareto front: the points that no other one dominates. Smaller is better; no NaN.

    A point dominates another when it is nowhere larger and somewhere smaller, so equal points share a place on the
    front. What dominates a point sorts before it, and so does a point of the front that dominates it too.
    """
    kept: list[int] = []
    for index in sorted(range(len(points)), key=points.__getitem__):
        if not any(_dominates(points[one], points[index]) for one in kept):
            kept.append(index)
    return set(kept)


def _dominates(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one != other and all(mine <= theirs for mine, theirs in zip(one, other, strict=True))
