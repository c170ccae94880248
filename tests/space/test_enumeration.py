from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.hyperparameter import Hyperparameter, Hyperparameters
from pipeline.space import IntRange, SearchedHyperparameter, Space, enumeration
from pipeline.space.checks import sort_parents_first

NESTED = Hyperparameters(
    Hyperparameter("blocks", 1, "", low=0),
    Hyperparameter("convs", 1, "", low=0, per="blocks"),
    Hyperparameter("kernel", 1, "", low=0, per="convs"),
    Hyperparameter("skip", 0, "", low=0, per="blocks"),
    Hyperparameter("gain", 0, "", low=0, per="convs"),
)
"""Repetitions of repetitions, as deep as any family has them, and counts of 0, which none has."""


def nested(*searched: SearchedHyperparameter, **constants: int) -> Space:
    return Space("nested", NESTED, sort_parents_first(NESTED, searched), constants, {}, {})


small = st.tuples(st.integers(0, 2), st.integers(0, 1)).map(lambda pair: IntRange(pair[0], pair[0] + pair[1]))


@st.composite
def nested_spaces(draw) -> Space:
    """At most 3 blocks of at most 3 convolutions, with conditions that point to the same scope or an outer one."""
    blocks, convs = draw(st.integers(0, 2)), draw(st.integers(0, 1))
    when = draw(st.sampled_from([(), (("skip", (1,)),), (("convs", (1,)),), (("skip", (0, 2)), ("convs", (2,)))]))
    searched = [
        SearchedHyperparameter("blocks", IntRange(blocks, blocks + 1)),
        SearchedHyperparameter("convs", IntRange(convs, convs + 1), draw(st.sampled_from([None, "blocks"]))),
        SearchedHyperparameter("skip", draw(small), draw(st.sampled_from([None, "blocks"]))),
        SearchedHyperparameter("kernel", IntRange(1, draw(st.integers(1, 2))), "convs", when),
        SearchedHyperparameter("gain", IntRange(1, 2), "convs", (("kernel", (1,)),)),
    ]
    kept = [entry for entry in searched if draw(st.integers(0, 4)) > 0]
    constants = draw(st.sampled_from([{}, {}, {"kernel_1": 2}, {"convs_2": 1}, {"skip_1": 1, "kernel_1_1": 1}]))
    return nested(*kept, **constants)


@given(nested_spaces())
@settings(deadline=None)
def test_the_points_are_as_many_as_counted_and_no_two_are_equal(space):
    size = enumeration.size(space)
    if size > 1000:
        return
    points = [tuple(sorted(point.items())) for point in enumeration.points(space)]
    assert len(points) == len(set(points)) == size


def test_points_of_a_conditional_space_by_hand():
    space = nested(
        SearchedHyperparameter("blocks", IntRange(1, 2)),
        SearchedHyperparameter("skip", IntRange(0, 1), "blocks"),
        SearchedHyperparameter("gain", IntRange(5, 6), "convs", (("skip", (1,)),)),
        convs=1,
    )
    points = [{key: point[key] for key in point if key != "convs"} for point in enumeration.points(space)]
    one_block = [{"skip_1": 0}, {"skip_1": 1, "gain_1_1": 5}, {"skip_1": 1, "gain_1_1": 6}]
    assert points[:3] == [{"blocks": 1, **point} for point in one_block]
    assert len(points) == enumeration.size(space) == 3 + 3 * 3
    assert {"blocks": 2, "skip_1": 0, "skip_2": 1, "gain_2_1": 6} in points


def test_points_are_made_one_at_a_time():
    space = nested(
        SearchedHyperparameter("blocks", IntRange(1, 2)), SearchedHyperparameter("skip", IntRange(1, 10**15), "blocks")
    )
    assert enumeration.size(space) == 10**15 + 10**30
    points = enumeration.points(space)
    assert [next(points)["skip_1"] for _ in range(3)] == [1, 2, 3]


def test_a_space_that_varies_nothing_has_one_point():
    space = nested(blocks=2)
    assert list(enumeration.points(space)) == [{"blocks": 2}]
    assert enumeration.size(space) == 1
