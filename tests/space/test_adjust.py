import pytest

from pipeline.architecture import FAMILIES
from pipeline.errors import SpaceError
from pipeline.space import complete, enumeration, fix, limit, load

KERNELS = {"blocks": {"int": [1, 2]}, "kernel": {"choice": [3, 5], "per": "blocks"}}


def test_fixing_a_hyperparameter_takes_it_out_of_the_search(make):
    space = fix(make(KERNELS), {"kernel": 7})
    assert [entry.name for entry in space.searched] == ["blocks"]
    assert list(enumeration.points(space)) == [{"family": "plain", "kernel": 7, "blocks": blocks} for blocks in (1, 2)]


def test_fixing_one_repetition_leaves_the_others(make):
    space = fix(make(KERNELS), {"kernel_2": 5})
    assert [(point["kernel_1"], point.get("kernel_2")) for point in enumeration.points(space)] == [
        (3, None),
        (5, None),
        (3, 5),
        (5, 5),
    ]
    assert enumeration.size(space) == 4


def test_one_repetition_wins_over_all_in_any_order(make):
    for settings_ in ({"kernel": 3, "kernel_2": 5}, {"kernel_2": 5, "kernel": 3}):
        constants = fix(make(KERNELS), settings_).constants
        assert constants == {"family": "plain", "kernel": 3, "kernel_2": 5}


def test_a_hyperparameter_fixed_anew_forgets_what_its_repetitions_were_fixed_at(make):
    assert fix(fix(make(KERNELS), {"kernel_2": 5}), {"kernel": 3}).constants == {"family": "plain", "kernel": 3}


def test_a_hyperparameter_that_the_space_leaves_out_can_be_fixed(make):
    assert fix(make(KERNELS), {"momentum": 1 / 2, "batch_size": 32}).constants["momentum"] == 0.5


def test_a_list_fixes_each_repetition(make):
    space = fix(make(KERNELS), {"kernel": [7, 5]})
    assert list(enumeration.points(space))[1] == {"family": "plain", "kernel_1": 7, "kernel_2": 5, "blocks": 2}


@pytest.mark.parametrize(
    ("settings_", "message"),
    [
        ({"kernl": 3}, "kernl: unknown hyperparameter kernl, did you mean 'kernel'?"),
        ({"kernel": 0}, "kernel: 0 is below 1"),
        ({"kernel": "three"}, "kernel: expected a whole number, got 'three'"),
        ({"kernel_3": 3}, "kernel_3: has no effect: blocks is at most 2"),
        ({"kernel_2": 3, "blocks": 1}, "kernel_2: has no effect: blocks is at most 1"),
        ({"kernel": [3]}, "kernel: expected a list of 2, one for each of blocks, got a list of 1"),
        ({"dropout_1": 0.1}, "dropout_1: unknown hyperparameter dropout_1: dropout has no such repetition"),
        ({"family": "residual"}, "family: 'residual' is not one of plain"),
        ({"blocks": 10**6}, "hyperparameters.blocks: 1000000 repetitions are too many; at most 1000"),
    ],
)
def test_what_cannot_be_fixed_is_refused(make, settings_, message):
    with pytest.raises(SpaceError) as error:
        fix(make(KERNELS), settings_)
    assert str(error.value).startswith(f"space mine: {message}")


def test_start_points_follow_what_is_fixed(make):
    start = [{"blocks": 1, "kernel": 3}, {"blocks": 2, "kernel": [3, 5]}, {"blocks": 2, "kernel": [5, 5]}]
    space = fix(make(KERNELS, start_from=start), {"blocks": 2, "kernel_1": 7})
    points = space.start_from
    assert list(points) == ["1", "2", "3"]
    kernels = [(point["blocks"], point["kernel_1"], point["kernel_2"]) for point in points.values()]
    assert kernels == [(2, 7, 3), (2, 7, 5), (2, 7, 5)]
    assert all(complete(space, point) == point for point in space.start_from.values())


@pytest.mark.parametrize("family", FAMILIES)
def test_start_points_of_other_families_go_when_the_family_is_fixed(family):
    space = load("all")
    kept = {name: point for name, point in space.start_from.items() if point["family"] == family}
    assert 0 < len(kept) < len(space.start_from)
    assert fix(space, {"family": family}).start_from == kept


def test_the_family_can_be_fixed_and_then_the_constants_of_others_are_of_no_use(building):
    space = fix(building, {"family": "odd"})
    assert [{"family", "arms"} <= point.keys() for point in enumeration.points(space)] == [True] * 8
    assert enumeration.size(space) == 8
    with pytest.raises(SpaceError, match="floors: has no effect: family is never tall"):
        fix(building, {"family": "odd", "floors": 1})


def test_limits_can_be_replaced_and_lifted(building):
    assert limit(building, {"memory": "2GB", "parameters": 5}).limits == {
        "parameters": 5,
        "macs": 10,
        "memory": 2 * 10**9,
    }
    assert limit(building, {"macs": "none", "latency_ms": "none"}).limits == {"memory": 20}
    assert limit(building, {}).fingerprint == building.fingerprint != limit(building, {"macs": 9}).fingerprint


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"mac": 5}, "unknown limit mac, did you mean 'macs'?"),
        ({"macs": 0}, "macs: expected a whole number above 0 such as 5_000_000 or 5M, got 0"),
        ({"macs": "nothing"}, "macs: expected a whole number above 0 such as 5_000_000 or 5M, got nothing"),
    ],
)
def test_what_is_no_limit_is_refused(building, limits, message):
    with pytest.raises(SpaceError) as error:
        limit(building, limits)
    assert str(error.value) == f"space building: {message}"


def test_a_name_as_tables_shorten_it():
    assert fix(load("quick"), {"lr": 0.01}) == fix(load("quick"), {"learning_rate": 0.01})
    assert complete(load("quick"), {"lr": 0.01}) == complete(load("quick"), {"learning_rate": 0.01})
    with pytest.raises(SpaceError, match="lr: short for learning_rate, which is given too"):
        fix(load("quick"), {"lr": 0.01, "learning_rate": 0.01})
