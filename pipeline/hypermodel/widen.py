"""One range for a hyperparameter that has several: of another value, or under another condition."""

import math
from dataclasses import replace

from pipeline.hypermodel.source import ListedHyperparameter


def widen(one: ListedHyperparameter, other: ListedHyperparameter) -> ListedHyperparameter | None:
    """``one`` with the narrowest range that holds those of both; None if their kinds differ.

    Its default and conditions stay. Of unequal steps there remains the largest that reaches the values of both, for
    floats none.

    >>> one = ListedHyperparameter("units", "int", 16, (), low=16, high=16)
    >>> widen(one, ListedHyperparameter("units", "int", 16, (), low=16, high=64, step=8)).step
    8
    """
    if one.kind != other.kind:
        return None
    if one.kind in ("choice", "fixed"):
        return replace(one, options=tuple(dict.fromkeys((*one.options, *other.options))))
    log = one.log and other.log
    step = None if log else _step(one, other)
    low, high = min(one.low, other.low), max(one.high, other.high)
    return replace(one, low=low, high=high, step=step, log=log, note=one.note or other.note)


def _step(one: ListedHyperparameter, other: ListedHyperparameter) -> float | None:
    steps = [entry.step for entry in (one, other) if entry.low != entry.high]  # a single value has any step
    if one.kind == "int":
        whole = [int(step or 1) for step in steps]
        step = math.gcd(*whole, int(abs(one.low - other.low)))
        return step if step and whole else None
    apart = abs(one.low - other.low)
    if not steps or None in steps or len(set(steps)) > 1:
        return None
    number = apart / (steps[0] or 1)
    return steps[0] if abs(number - round(number)) < 1e-9 else None
