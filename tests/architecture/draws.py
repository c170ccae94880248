"""Random values for any family, made from its hyperparameters alone."""

from hypothesis import strategies as st

from pipeline.architecture import FAMILIES
from pipeline.hyperparameter import read

MOST = {"filters": 12, "stage_filters": 12, "stem_filters": 12, "fc_width": 20, "designed_for": 80, "group_width": 128}
MOST |= {"kernel": 7, "stem_kernel": 7, "pool_size": 4}
"""The largest value drawn of a whole number; 3 for the others."""

SELDOM = ("groups", "cardinality", "group_width")
"""What fits few others: it has its default nine times out of ten."""


@st.composite
def values(draw, family):
    """A value for every repetition of every hyperparameter, whether it is of use or not."""
    known, chosen = FAMILIES[family].hyperparameters, {}
    for one in sorted(known.values(), key=lambda one: _depth(known, one)):
        for index in _indices(known, chosen, one.per):
            chosen["_".join([one.name, *map(str, index)])] = draw(_legal(one))
    return chosen


def _depth(known, one):
    return 0 if one.per is None else 1 + _depth(known, known[one.per])


def _indices(known, chosen, per):
    if per is None:
        return [()]
    outer = _indices(known, chosen, known[per].per)
    return [(*index, i) for index in outer for i in range(1, read(known, chosen, per, *index) + 1)]


def _legal(one):
    if one.options:
        return st.sampled_from(one.options)
    if one.name in SELDOM:
        low, high = int(one.low), MOST.get(one.name, 3)
        return st.integers(0, 9).flatmap(lambda n: st.just(one.default) if n else st.integers(low, high))
    if isinstance(one.default, float):
        return st.floats(max(one.low, 0.1), min(one.high, 1.5))
    return st.integers(int(one.low), MOST.get(one.name, 3))
