import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import SpaceError
from pipeline.space import IntRange, Parameter
from pipeline.space.checks import most, ordered
from pipeline.space.names import hyperparameters

KNOWN = hyperparameters(["plain"])
NAMES = ["blocks", "norm", "activation", "head", "fc_layers", "dropout"]


def parameter(name: str, *parents: str) -> Parameter:
    return Parameter(name, IntRange(0, 1), None, tuple((parent, (1,)) for parent in parents))


@given(st.permutations(NAMES), st.data())
def test_parents_come_first_whatever_the_order(names, data):
    """Each may depend on any of those before it in a hidden order."""
    parameters = [
        parameter(name, *data.draw(st.lists(st.sampled_from(names[:place]), unique=True)) if place else ())
        for place, name in enumerate(names)
    ]
    shuffled = data.draw(st.permutations(parameters))
    order = ordered(KNOWN, shuffled)
    assert order == ordered(KNOWN, parameters)
    place = {one.name: at for at, one in enumerate(order)}
    assert all(place[parent] < place[one.name] for one in order for parent, _ in one.when)


@given(st.lists(st.sampled_from(NAMES), min_size=1, max_size=5, unique=True))
def test_a_cycle_is_found_and_its_path_named(names):
    """Every parameter of a ring depends on the one before it."""
    ring = [parameter(name, names[place - 1]) for place, name in enumerate(names)]
    with pytest.raises(SpaceError) as error:
        ordered(KNOWN, ring)
    path = str(error.value).split(": ")[1].split(";")[0].split(" -> ")
    assert path[0] == path[-1]
    assert sorted(path[1:]) == sorted(names)


def test_without_conditions_the_order_is_that_of_the_family():
    assert [one.name for one in ordered(KNOWN, map(parameter, reversed(NAMES)))] == NAMES


def test_a_count_that_may_be_inactive_may_be_its_default(make):
    blocks = {"int": [1, 2], "when": {"norm": "none"}}
    assert most(make({"norm": {"choice": ["none", "batch"]}, "blocks": blocks}), "blocks") == 3


@pytest.mark.parametrize(
    ("blocks", "count"),
    [({"int": [1, 4]}, 4), ({"choice": [1, 7, 2]}, 7), (5, 5), (None, 3)],
)
def test_the_largest_count(make, blocks, count):
    space = make({} if blocks is None else {"blocks": blocks})
    assert most(space, "blocks") == count
