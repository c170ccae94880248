import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import SpaceError
from pipeline.space import IntRange, SearchedHyperparameter
from pipeline.space.checks import largest_count, sort_parents_first
from pipeline.space.hyperparameters import hyperparameters_of

TABLE = hyperparameters_of(["plain"])
NAMES = ["blocks", "norm", "activation", "head", "fc_layers", "dropout"]


def searched(name: str, *parents: str) -> SearchedHyperparameter:
    return SearchedHyperparameter(name, IntRange(0, 1), None, tuple((parent, (1,)) for parent in parents))


@given(st.permutations(NAMES), st.data())
def test_parents_come_first_whatever_the_order(names, data):
    """Each may depend on any of those before it in a hidden order."""
    entries = [
        searched(name, *data.draw(st.lists(st.sampled_from(names[:number]), unique=True)) if number else ())
        for number, name in enumerate(names)
    ]
    shuffled = data.draw(st.permutations(entries))
    order = sort_parents_first(TABLE, shuffled)
    assert order == sort_parents_first(TABLE, entries)
    rank = {entry.name: number for number, entry in enumerate(order)}
    assert all(rank[parent] < rank[entry.name] for entry in order for parent, _ in entry.when)


@given(st.lists(st.sampled_from(NAMES), min_size=1, max_size=5, unique=True))
def test_a_cycle_is_found_and_its_path_named(names):
    """Every hyperparameter of a ring depends on the one before it."""
    ring = [searched(name, names[number - 1]) for number, name in enumerate(names)]
    with pytest.raises(SpaceError) as error:
        sort_parents_first(TABLE, ring)
    path = str(error.value).split(": ")[1].split(";")[0].split(" -> ")
    assert path[0] == path[-1]
    assert sorted(path[1:]) == sorted(names)


def test_without_conditions_the_order_is_that_of_the_family():
    assert [entry.name for entry in sort_parents_first(TABLE, map(searched, reversed(NAMES)))] == NAMES


def test_a_count_that_may_be_inactive_may_be_its_default(make):
    blocks = {"int": [1, 2], "when": {"norm": "none"}}
    assert largest_count(make({"norm": {"choice": ["none", "batch"]}, "blocks": blocks}), "blocks") == 3


@pytest.mark.parametrize(
    ("blocks", "count"),
    [({"int": [1, 4]}, 4), ({"choice": [1, 7, 2]}, 7), (5, 5), (None, 3)],
)
def test_the_largest_count(make, blocks, count):
    space = make({} if blocks is None else {"blocks": blocks})
    assert largest_count(space, "blocks") == count
