import pytest

from pipeline.errors import SpaceError
from pipeline.space import complete, enumeration

HYPERPARAMETERS = {
    "blocks": {"int": [1, 3]},
    "filters": {"choice": [8, 32, 64, 128], "per": "blocks"},
    "kernel": {"choice": [5, 7], "per": "blocks"},
    "stride": {"choice": [1, 2]},
    "pool": {"choice": ["none", "max"], "per": "blocks"},
    "pool_size": {"choice": [2, 3], "per": "blocks", "when": {"pool": "max"}},
    "convs": [1, 2, 2],
    "dropout": {"float": [0.0, 0.5], "step": 0.1},
    "fc_layers": {"int": [0, 1]},
    "fc_width": 64,
    "learning_rate": {"float": [0.01, 0.1], "log": True},
}


@pytest.fixture
def space(make):
    return make(HYPERPARAMETERS)


def test_what_is_left_out_takes_its_default_if_the_space_holds_it_else_the_first_value(space):
    point = complete(space, {})
    assert point["blocks"] == 3
    assert [point["filters_1"], point["kernel_1"], point["pool_1"], point["pool_size_1"]] == [32, 5, "max", 2]
    assert point["learning_rate"] == 0.01
    assert [point["convs_1"], point["convs_2"], point["convs_3"], point["fc_width"]] == [1, 2, 2, 64]


@pytest.mark.parametrize(
    ("given", "filters"),
    [
        ({"filters": 8}, [8, 8, 8]),
        ({"filters": [8, 64, 128]}, [8, 64, 128]),
        ({"filters_2": 64}, [32, 64, 32]),
        ({"filters": 8, "filters_2": 64}, [8, 64, 8]),
        ({"filters": 8, "blocks": 1}, [8]),
        ({"filters": [8, 64], "blocks": 2}, [8, 64]),
    ],
)
def test_one_value_for_all_one_for_each_or_one_of_them(space, given, filters):
    point = complete(space, given)
    assert [point[f"filters_{block}"] for block in range(1, point["blocks"] + 1)] == filters
    assert f"filters_{point['blocks'] + 1}" not in point


def test_numbers_take_the_form_of_the_space(space):
    point = complete(space, {"dropout": 0.1 + 0.2, "learning_rate": 0.1})
    assert point["dropout"] == 0.3
    assert type(complete(space, {"dropout": 0})["dropout"]) is float


def test_what_holds_anyway_may_be_said(space):
    said = {"family": "plain", "fc_width": 64, "convs_2": 2, "norm": "batch", "momentum": 0.9}
    assert complete(space, said) == complete(space, {})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"filtres": 8}, "unknown hyperparameter filtres, did you mean 'filters'?"),
        ({"filters": 48}, "filters_1: 48 is outside 8, 32, 64, 128"),
        ({"filters_2": 48}, "filters_2: 48 is outside"),
        ({"filters": "many"}, "filters: expected a whole number, got 'many'"),
        ({"filters": [8, 64]}, "filters: expected a list of 3, one for each of blocks, got a list of 2"),
        (
            {"filters": [8, 64, 8], "blocks": 2},
            "filters: expected a list of 2, one for each of blocks, got a list of 3",
        ),
        ({"filters": [8, 8, 8], "filters_2": 8}, "filters_2: another key of the point sets this value too"),
        ({"filters_3": 8, "blocks": 2}, "filters_3: has no effect here: blocks is 2"),
        ({"filters": 8, "filters_1": 32, "blocks": 1}, "filters: has no effect here"),
        ({"stride_2": 2}, "stride_2: has no effect here: the space has one stride for all; write stride"),
        ({"pool": "none", "pool_size": 3}, "pool_size: has no effect here"),
        ({"pool_2": "none", "pool_size_2": 3}, "pool_size_2: has no effect here: pool_2 is none"),
        ({"fc_width": 32}, "fc_width: 32 is outside the space, which fixes it at 64"),
        ({"fc_layers": 0, "fc_width_1": 64}, "fc_width_1: has no effect here: fc_layers is 0"),
        ({"convs_1": 2}, "convs_1: 2 is outside the space, which fixes it at 1"),
        ({"convs": 2}, "convs: 2 is outside the space, which fixes it at 1"),
        ({"norm": "none"}, "norm: none is outside the space, which fixes it at batch"),
        ({"padding_2": "valid"}, "padding_2: valid is outside the space, which fixes it at same"),
        ({"family": "residual"}, "family: 'residual' is not one of plain"),
        (
            {"kernel_1_1": 7},
            "kernel_1_1: has no effect here: the space has one kernel for each of blocks; write kernel_1",
        ),
        ({"dropout": 0.25}, "dropout: 0.25 is outside 0.0 to 0.5 in steps of 0.1"),
        ({"dropout": 0.95}, "dropout: 0.95 is above 0.9"),
        ({"dropout_1": 0.1}, "unknown hyperparameter dropout_1: dropout has no such repetition"),
        ({"blocks": True}, "blocks: expected a whole number, got True"),
    ],
)
def test_a_point_outside_the_space_is_refused(space, given, message):
    with pytest.raises(SpaceError) as error:
        complete(space, given)
    assert str(error.value).startswith(f"space mine: {message}")
    assert "\n" not in str(error.value)


KERNELS = {"blocks": {"int": [1, 2]}, "kernel": {"choice": [3, 5], "per": "blocks"}}


def test_a_point_of_several_families_is_made_whole_and_is_one_of_the_space(building):
    assert complete(building, {}) == complete(building, {"family": "tall", "floors": 1, "size": [4], "norm": "batch"})
    assert all(complete(building, point) == point for point in enumeration.points(building))


@pytest.mark.parametrize(
    ("point", "message"),
    [
        ({"family": "wide", "floors": 2}, "floors: has no effect here: family is wide"),
        ({"family": "wide", "size": [[4], [4, 4]]}, "size_1_1: has no effect here: family is wide"),
        ({"arms": 2}, "arms: has no effect here: family is tall"),
        ({"family": "tall", "reach_1": 5}, "reach_1: has no effect here: family is tall"),
        ({"family": "odd", "twist": True, "arms": 1}, "twist: has no effect here: arms is 1"),
        ({"family": "old"}, "family: 'old' is not one of tall, wide, odd, did you mean 'odd'?"),
        (
            {"floors": 2, "size": [[4] * 3, [4] * 2]},
            "size_1: expected a list of 2, one for each of rooms_1, got a list of 3",
        ),
    ],
)
def test_what_the_family_of_a_point_does_not_know_has_no_effect(building, point, message):
    with pytest.raises(SpaceError) as error:
        complete(building, point)
    assert str(error.value) == f"space building: {message}"


def test_start_points_have_names(make):
    space = make(KERNELS, start_from={"small": {"blocks": 1}, "large-2.0": {"kernel": [3, 5], "blocks": 2}})
    assert list(space.start_from) == ["small", "large-2.0"]
    assert complete(space, "small") == space.start_from["small"] == complete(space, {"blocks": 1})
    with pytest.raises(SpaceError, match="space mine: unknown start point smal, did you mean 'small'"):
        complete(space, "smal")
    with pytest.raises(SpaceError, match="unknown start point x; the space has none: write name=value"):
        complete(make(KERNELS), "x")
