"""Hyperparameters and counts in few characters."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.report.compact import compact, count, grouped, in_order, telling, text, varying
from pipeline.trial import Outcome, State
from tests.report.made_up import record


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (0, "0"),
        (950, "950"),
        (999, "999"),
        (1000, "1.0 k"),
        (2_100_000, "2.1 M"),
        (999_949, "999.9 k"),
        (999_950, "1.0 M"),
        (10**9, "1.0 G"),
        (10**13, "10.0 T"),
        (10**16, "10,000.0 T"),
    ],
)
def test_count(number, shown):
    assert count(number) == shown


@given(st.integers(0, 10**15))
def test_count_keeps_the_size(number):
    digits, _, unit = count(number).partition(" ")
    factor = {"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}[unit]
    assert float(digits.replace(",", "")) * factor == pytest.approx(number, rel=0.051)


@pytest.mark.parametrize(
    ("value", "shown"), [(True, "true"), (64, "64"), (0.0012345, "0.00123"), ("max", "max"), (1.0, "1")]
)
def test_text(value, shown):
    assert text(value) == shown


def test_one_group_is_one_word():
    values = {"blocks": 3, "filters_1": 32, "filters_2": 64, "filters_3": 64, "learning_rate": 0.0012}
    assert compact(values, ["blocks", "filters", "learning_rate"]) == "blocks=3 filters=32,64,64 lr=0.0012"


def test_only_the_named_groups_are_shown():
    assert compact({"blocks": 3, "flip": True}, ["flip", "cutout"]) == "flip=true"


def test_a_position_without_a_value_is_a_dash():
    assert compact({"pool_size_2": 3, "pool_size_4": 2}, ["pool_size"]) == "pool_size=-,3,-,2"


def test_a_shared_value_stands_before_the_numbered_ones():
    assert grouped({"filters": 16, "filters_2": 32}) == {"filters": {-1: 16, 2: 32}}
    assert compact({"filters": 16, "filters_2": 32}, ["filters"]) == "filters=16,-,32"


def test_positions_rise_and_groups_stay_together():
    names = ["blocks", "filters_1", "pool_1", "filters_10", "filters_2", "blocks"]
    assert in_order(names) == ["blocks", "filters_1", "filters_2", "filters_10", "pool_1"]


@given(st.lists(st.sampled_from(["a", "b_1", "b_2", "b_12", "c_3", "c", "d_x"])))
def test_order_loses_and_adds_nothing(names):
    assert sorted(in_order(names)) == sorted(set(names))


def test_what_varies():
    records = [
        record(0, values={"blocks": 1, "filters_1": 16, "flip": True, "epochs": 3}),
        record(1, values={"blocks": 2, "filters_1": 16, "filters_2": 16, "flip": True, "epochs": 3}),
    ]
    assert varying(records) == ["blocks", "filters"]
    assert varying([replace(records[0], varied=("filters_1", "blocks"))]) == ["filters", "blocks"]
    assert varying([]) == []


@pytest.mark.parametrize(
    ("state", "reason", "told"),
    [
        (State.PRUNED, "pruned after epoch 3", ""),
        (State.INTERRUPTED, "interrupted", ""),
        (State.INTERRUPTED, "time was up after epoch 3", "time was up after epoch 3"),
        (State.FAILED, "failed to allocate memory", "failed to allocate memory"),
        (State.COMPLETE, "", ""),
    ],
)
def test_a_reason_that_the_state_has_told_is_left_out(state, reason, told):
    assert telling(Outcome(0, state, reason=reason)) == told


def test_absence_is_a_value():
    assert varying([record(0, values={"a": 1}), record(1, values={"a": 1, "momentum": 0.9})]) == ["momentum"]


def test_repetitions_may_be_counted_from_0():
    values = {"units_0": 8, "units_1": 16, "units_2": 4}
    assert compact(values, ["units"]) == "units=8,16,4"
