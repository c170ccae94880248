"""Random params for any family, made from its hyperparameters alone."""

from hypothesis import strategies as st

from pipeline.architecture import FAMILIES
from pipeline.hyperparameter import join_key

MOST = {"filters": 12, "stage_filters": 12, "stem_filters": 12, "fc_width": 20, "designed_for": 80, "group_width": 128}
MOST |= {"kernel": 7, "stem_kernel": 7, "pool_size": 4}
"""The largest value drawn for each whole number; 3 for the others."""

SELDOM = ("groups", "cardinality", "group_width")
"""Hyperparameters that fit few others: each has its default nine times out of ten."""


@st.composite
def random_params(draw, family):
    """A value for every repetition of every hyperparameter, whether it has an effect or not."""
    hyperparameters, params = FAMILIES[family].hyperparameters, {}
    for name in sorted(hyperparameters, key=lambda name: len(hyperparameters.counters_of(name))):
        for index in hyperparameters.repetitions(params, hyperparameters.counters_of(name)):
            params[join_key(name, index)] = draw(_legal(hyperparameters[name]))
    return params


def _legal(hyperparameter):
    name, default = hyperparameter.name, hyperparameter.default
    if hyperparameter.options:
        return st.sampled_from(hyperparameter.options)
    if name in SELDOM:
        low, high = int(hyperparameter.low), MOST.get(name, 3)
        return st.integers(0, 9).flatmap(lambda n: st.just(default) if n else st.integers(low, high))
    if isinstance(default, float):
        return st.floats(max(hyperparameter.low, 0.1), min(hyperparameter.high, 1.5))
    return st.integers(int(hyperparameter.low), MOST.get(name, 3))
