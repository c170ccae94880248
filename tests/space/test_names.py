import pytest

from pipeline.errors import SpaceError
from pipeline.hyperparameter import Hyperparameter, table
from pipeline.recipe import HYPERPARAMETERS
from pipeline.space.names import (
    at,
    counters,
    expand,
    flatten,
    hint,
    hyperparameters,
    indices,
    lineage,
    missing,
    parse,
    unmet,
)

KNOWN = table(
    Hyperparameter("blocks", 3, "", low=1),
    Hyperparameter("convs", 2, "", low=1, per="blocks"),
    Hyperparameter("kernel", 3, "", low=1, per="convs"),
    Hyperparameter("pool", "max", "", options=("none", "max"), per="blocks"),
    Hyperparameter("pool_size", 2, "", per="blocks"),
    Hyperparameter("rate", 0.5, ""),
)


def test_what_counts_the_repetitions_comes_outermost_first():
    assert counters(KNOWN, None) == ()
    assert counters(KNOWN, "convs") == ("blocks", "convs")


def test_every_key_that_can_set_a_repetition():
    assert list(lineage("kernel", (1, 2))) == ["kernel_1_2", "kernel_1", "kernel"]


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
    assert parse(KNOWN, key) == meaning
    assert expand(*meaning) == key


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("kernl", "unknown parameter kernl, did you mean 'kernel'?"),
        ("zzz", "unknown parameter zzz; there are blocks, convs, kernel"),
        ("pool_0", "unknown parameter pool_0, did you mean 'pool'?"),
        ("pool_02", "unknown parameter pool_02"),
        ("pool_1234567", "unknown parameter pool_1234567"),
        ("pool_", "unknown parameter pool_"),
        ("rate_1", "unknown parameter rate_1: rate is not repeated that often; write rate"),
        ("pool_1_2", "pool is not repeated that often"),
        ("a\nb", "unknown parameter 'a\\\\nb'"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_right_one(key, message):
    with pytest.raises(SpaceError, match=message.replace("?", r"\?")):
        parse(KNOWN, key)


def test_a_name_of_its_own_is_no_repetition_of_another():
    """As KerasTuner's have them: any characters, and numbers that mean nothing."""
    known = table(Hyperparameter("units", 8, ""), Hyperparameter("units_1", 8, ""), Hyperparameter("a(b", 8, ""))
    assert parse(known, "units_1") == ("units_1", ())
    assert parse(known, "a(b") == ("a(b", ())


def test_a_space_of_several_families_can_set_what_any_of_them_knows(mixed):
    assert list(mixed)[:8] == ["family", "floors", "rooms", "size", "norm", "arms", "reach", "twist"]
    assert {*HYPERPARAMETERS} < {*mixed}
    assert (mixed["family"].options, mixed["family"].default) == (("tall", "wide", "odd"), "tall")


def test_what_not_all_families_know_needs_one_that_does(mixed):
    assert mixed["floors"].when == (("family", ("tall",)),)
    assert mixed["arms"].when == (("family", ("wide", "odd")),)
    assert [mixed[name].when for name in ("family", "norm", "learning_rate")] == [(), (), ()]


def test_in_a_space_of_one_family_nothing_depends_on_it():
    assert not any(one.when for one in hyperparameters(["plain"]).values())
    assert hyperparameters(["residual", "plain"])["family"].default == "plain"
    assert hyperparameters(["residual"])["family"].default == "residual"


def test_a_list_has_one_value_for_each_repetition_at_any_depth():
    assert flatten(KNOWN, "pool", ["none", "max"]) == {"pool_1": "none", "pool_2": "max"}
    assert flatten(KNOWN, "kernel", [[3, 5], 7]) == {"kernel_1_1": 3, "kernel_1_2": 5, "kernel_2": 7}


def test_values_take_the_type_of_their_hyperparameter():
    assert type(flatten(KNOWN, "rate", 1)["rate"]) is float
    assert type(flatten(KNOWN, "pool_size", 1)["pool_size"]) is int


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
        flatten(KNOWN, key, value)


def test_repetitions_follow_their_counts():
    values = {"blocks": 2, "convs_1": 1, "convs_2": 3}
    assert list(indices(KNOWN, values, ("blocks", "convs"))) == [(1, 1), (2, 1), (2, 2), (2, 3)]
    assert list(indices(KNOWN, values, ())) == [()]
    assert list(indices(KNOWN, {"blocks": 2}, ("blocks", "convs"))) == [(1, 1), (1, 2), (2, 1), (2, 2)]


def test_a_missing_repetition_is_named_by_its_count():
    values = {"blocks": 2, "convs_1": 1, "convs_2": 3}
    assert missing(KNOWN, values, "kernel", (2, 3)) is None
    assert missing(KNOWN, values, "kernel", (1, 2)) == "convs_1 is 1"
    assert missing(KNOWN, values, "pool", (3,)) == "blocks is 2"
    assert missing(KNOWN, values, "rate", ()) is None


def test_what_has_no_effect_is_missing(mixed):
    assert missing(mixed, {"family": "wide"}, "size", (1, 1)) == "family is wide"
    assert missing(mixed, {"family": "wide"}, "reach", (3,)) == "arms is 2"


def test_the_first_condition_that_does_not_hold_is_named_by_what_is_there():
    values = {"pool": "max", "pool_2": "none", "rate": 0.25}
    when = (("rate", (0.25,)), ("pool", ("max", "average")))
    assert unmet(KNOWN, values, when, (1, 3)) is None
    assert unmet(KNOWN, values, when, (2, 3)) == "pool_2 is none"
    assert unmet(KNOWN, {}, when, (2, 3)) == "rate is 0.5"


def test_a_place_is_put_in_front_of_an_error():
    with pytest.raises(SpaceError, match=r"^file: key: wrong$"), at("file"), at("key"):
        raise SpaceError("wrong")


def test_a_hint_names_the_options_when_none_is_near():
    assert hint("grod", ["grid", "plain"]) == ", did you mean 'grid'?"
    assert hint("xxxx", ["grid", "plain"]) == "; there are grid, plain"
