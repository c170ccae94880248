import pickle

import pytest

from pipeline.errors import SpaceError
from pipeline.hyperparameter import Hyperparameter, Hyperparameters, format_value, join_key, setting_keys

TABLE = Hyperparameters(
    Hyperparameter("blocks", 3, "", low=1),
    Hyperparameter("convs", 2, "", low=1, per="blocks"),
    Hyperparameter("kernel", 3, "", low=1, per="convs"),
    Hyperparameter("pool", "max", "", options=("none", "max"), per="blocks"),
    Hyperparameter("pool_size", 2, "", per="blocks"),
    Hyperparameter("rate", 0.5, ""),
)


def test_what_counts_the_repetitions_comes_outermost_first():
    assert TABLE.counters(None) == ()
    assert TABLE.counters("convs") == TABLE.counters_of("kernel") == ("blocks", "convs")
    assert TABLE.counters_of("rate") == ()


def test_every_key_that_can_set_a_repetition():
    assert list(setting_keys("kernel", (1, 2))) == ["kernel_1_2", "kernel_1", "kernel"]


@pytest.mark.parametrize(
    ("key", "meaning"),
    [
        ("rate", ("rate", ())),
        ("pool_2", ("pool", (2,))),
        ("pool_size", ("pool_size", ())),
        ("pool_size_12", ("pool_size", (12,))),
        ("kernel_1_2", ("kernel", (1, 2))),
        ("kernel_1", ("kernel", (1,))),
    ],
)
def test_a_key_means_a_hyperparameter_and_a_repetition(key, meaning):
    assert TABLE.split_key(key) == meaning
    assert join_key(*meaning) == key


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("kernl", "unknown hyperparameter kernl, did you mean 'kernel'?"),
        ("zzz", "unknown hyperparameter zzz; there are blocks, convs, kernel"),
        ("pool_0", "unknown hyperparameter pool_0, did you mean 'pool'?"),
        ("pool_02", "unknown hyperparameter pool_02"),
        ("pool_1234567", "unknown hyperparameter pool_1234567"),
        ("pool_", "unknown hyperparameter pool_"),
        ("rate_1", "unknown hyperparameter rate_1: rate has no such repetition; write rate"),
        ("pool_1_2", "pool has no such repetition"),
        ("a\nb", "unknown hyperparameter 'a\\\\nb'"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_right_one(key, message):
    with pytest.raises(SpaceError, match=message.replace("?", r"\?")):
        TABLE.split_key(key)


def test_a_name_of_its_own_is_no_repetition_of_another():
    """As KerasTuner's have them: any characters, and numbers that mean nothing."""
    table = Hyperparameters(
        Hyperparameter("units", 8, ""), Hyperparameter("units_1", 8, ""), Hyperparameter("a(b", 8, "")
    )
    assert table.split_key("units_1") == ("units_1", ())
    assert table.split_key("a(b") == ("a(b", ())


def test_a_list_has_one_value_for_each_repetition_at_any_depth():
    assert TABLE.flatten("pool", ["none", "max"]) == {"pool_1": "none", "pool_2": "max"}
    assert TABLE.flatten("kernel", [[3, 5], 7]) == {"kernel_1_1": 3, "kernel_1_2": 5, "kernel_2": 7}


def test_values_take_the_type_of_their_hyperparameter():
    assert type(TABLE.flatten("rate", 1)["rate"]) is float
    assert type(TABLE.flatten("pool_size", 1)["pool_size"]) is int


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("pool", [["max"]], "expected one value, got a list of 1"),
        ("rate", [0.1, 0.2], "expected one value, got a list of 2"),
        ("pool_1", "min", "'min' is not one of none, max"),
        ("pool_size", 2.5, "expected a whole number, got 2.5"),
        ("blocks", None, "expected a whole number, got None"),
    ],
)
def test_an_illegal_value_is_refused(key, value, message):
    with pytest.raises(SpaceError, match=message):
        TABLE.flatten(key, value)


def test_repetitions_follow_their_counts():
    params = {"blocks": 2, "convs_1": 1, "convs_2": 3}
    assert list(TABLE.repetitions(params, ("blocks", "convs"))) == [(1, 1), (2, 1), (2, 2), (2, 3)]
    assert list(TABLE.repetitions(params, ())) == [()]
    assert list(TABLE.repetitions({"blocks": 2}, ("blocks", "convs"))) == [(1, 1), (1, 2), (2, 1), (2, 2)]


def test_a_missing_repetition_is_named_by_its_count():
    params = {"blocks": 2, "convs_1": 1, "convs_2": 3}
    assert TABLE.why_absent(params, "kernel", (2, 3)) is None
    assert TABLE.why_absent(params, "kernel", (1, 2)) == "convs_1 is 1"
    assert TABLE.why_absent(params, "pool", (3,)) == "blocks is 2"
    assert TABLE.why_absent(params, "rate", ()) is None


def test_the_first_condition_that_does_not_hold_is_named_by_what_is_there():
    params = {"pool": "max", "pool_2": "none", "rate": 0.25}
    when = (("rate", (0.25,)), ("pool", ("max", "average")))
    assert TABLE.unmet_condition(params, when, (1, 3)) is None
    assert TABLE.unmet_condition(params, when, (2, 3)) == "pool_2 is none"
    assert TABLE.unmet_condition({}, when, (2, 3)) == "rate is 0.5"


def test_a_value_is_its_own_else_the_shared_one_else_the_default():
    params = {"kernel": 5, "kernel_1": 7, "kernel_1_2": 9}
    assert [TABLE.value_of(params, "kernel", *index) for index in ((1, 2), (1, 1), (2, 1))] == [9, 7, 5]
    assert TABLE.value_of(params, "rate") == 0.5


def test_hyperparameters_are_in_the_given_order_and_read_only():
    assert list(TABLE) == ["blocks", "convs", "kernel", "pool", "pool_size", "rate"]
    with pytest.raises(TypeError):
        TABLE["blocks"] = TABLE["convs"]


def test_a_task_can_carry_them_to_another_process():
    assert pickle.loads(pickle.dumps(TABLE)) == TABLE


@pytest.mark.parametrize(
    ("key", "repetition"), [("pool_2", True), ("pool", False), ("pool_size", False), ("x_1", False)]
)
def test_a_key_with_a_number_may_mean_one_repetition(key, repetition):
    assert TABLE.is_repetition(key) is repetition


def test_long_and_unprintable_values_are_quoted_and_cut():
    assert format_value(False) == "false"
    assert format_value("a\nb") == "'a\\nb'"
    assert len(format_value("x" * 1000)) == 60
