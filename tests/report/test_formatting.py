"""Params, scores and counts in few characters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from pipeline.metrics import METRICS
from pipeline.report.formatting import (
    describe_score,
    displayed_reason,
    format_drawn,
    format_params,
    format_value,
    group_params,
    order_names,
    truncate,
    varying_groups,
)
from pipeline.study.trial import TrialResult, TrialState
from tests.report.made_up import record


@pytest.mark.parametrize(
    ("value", "text"), [(True, "true"), (64, "64"), (0.0012345, "0.00123"), ("max", "max"), (1.0, "1")]
)
def test_value(value, text):
    assert format_value(value) == text


def test_one_group_is_one_word():
    params = {"blocks": 3, "filters_1": 32, "filters_2": 64, "filters_3": 64, "learning_rate": 0.0012}
    assert format_params(params, ["blocks", "filters", "learning_rate"]) == "blocks=3 filters=32,64,64 lr=0.0012"


def test_only_the_named_groups_are_shown():
    assert format_params({"blocks": 3, "flip": True}, ["flip", "cutout"]) == "flip=true"


def test_a_position_without_a_value_is_a_dash():
    assert format_params({"pool_size_2": 3, "pool_size_4": 2}, ["pool_size"]) == "pool_size=-,3,-,2"


def test_a_shared_value_stands_before_the_numbered_ones():
    assert group_params({"filters": 16, "filters_2": 32}) == {"filters": {-1: 16, 2: 32}}
    assert format_params({"filters": 16, "filters_2": 32}, ["filters"]) == "filters=16,-,32"


def test_positions_rise_and_groups_stay_together():
    names = ["blocks", "filters_1", "pool_1", "filters_10", "filters_2", "blocks"]
    assert order_names(names) == ["blocks", "filters_1", "filters_2", "filters_10", "pool_1"]


@given(st.lists(st.sampled_from(["a", "b_1", "b_2", "b_12", "c_3", "c", "d_x"])))
def test_order_loses_and_adds_nothing(names):
    assert sorted(order_names(names)) == sorted(set(names))


def test_varying_groups():
    records = [
        record(0, params={"blocks": 1, "filters_1": 16, "flip": True, "epochs": 3}),
        record(1, params={"blocks": 2, "filters_1": 16, "filters_2": 16, "flip": True, "epochs": 3}),
    ]
    assert varying_groups(records) == ["blocks", "filters"]
    assert varying_groups([record(0, params=records[0].params, drawn=("filters_1", "blocks"))]) == ["filters", "blocks"]
    assert varying_groups([]) == []


@pytest.mark.parametrize(
    ("state", "reason", "displayed"),
    [
        (TrialState.COMPLETE, "", ""),
        (TrialState.COMPLETE, "stopped after epoch 9: no better", "stopped after epoch 9: no better"),
        (TrialState.PRUNED, "pruned after epoch 3", ""),
        (TrialState.PRUNED, "told to stop after epoch 3", ""),
        (TrialState.INTERRUPTED, "the time was up after epoch 3", "the time was up after epoch 3"),
        (TrialState.FAILED, "failed to allocate memory", "failed to allocate memory"),
        (TrialState.FAILED, "killed by SIGKILL", "killed by SIGKILL"),
    ],
)
def test_a_reason_is_displayed_where_the_state_leaves_it_open(state, reason, displayed):
    assert displayed_reason(TrialResult(0, state, reason=reason)) == displayed


@pytest.mark.parametrize(("state", "reason"), [(TrialState.PRUNED, ""), (TrialState.COMPLETE, "stopped: no better; ")])
def test_smaller_batches_are_displayed_in_any_state(state, reason):
    result = TrialResult(0, state, reason="stopped: no better", batch_size=16)
    assert displayed_reason(result) == f"{reason}batch size 16, since larger ones exceeded the memory"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("accuracy", "validation accuracy (higher is better)"),
        ("log_loss", "validation log loss (lower is better)"),
        ("roc_auc", "validation ROC AUC (higher is better)"),
    ],
)
def test_a_score_is_described_with_its_direction(name, text):
    assert describe_score(METRICS[name]) == text


def test_drawn_params_are_those_of_the_space():
    params = {"family": "plain", "filters_1": 16, "filters_2": 32, "learning_rate": 0.0021}
    drawn = ("filters_1", "filters_2", "learning_rate")
    assert format_drawn(record(0, params=params, drawn=drawn)) == "filters=16,32 lr=0.0021"


def test_absence_is_a_value():
    assert varying_groups([record(0, params={"a": 1}), record(1, params={"a": 1, "momentum": 0.9})]) == ["momentum"]


def test_repetitions_may_be_counted_from_0():
    params = {"units_0": 8, "units_1": 16, "units_2": 4}
    assert format_params(params, ["units"]) == "units=8,16,4"


@given(st.text(st.characters(categories=("L", "N", "Zs")), max_size=120), st.integers(1, 100))
def test_truncated_lines_fit(text, width):
    line = truncate(Text(text), width)
    assert line.cell_len <= width
    assert text.startswith(line.plain.removesuffix("…").rstrip())


@pytest.mark.parametrize(
    ("width", "expected"),
    [(40, "lr=0.0021 filters=16,32 kernel=3"), (25, "lr=0.0021 filters=16,32 …"), (5, "lr=0…")],
)
def test_truncated_between_words(width, expected):
    assert truncate(Text("lr=0.0021 filters=16,32 kernel=3"), width).plain == expected


def test_a_long_word_is_broken():
    assert truncate(Text("failed " + "x" * 80), 40).plain == "failed " + "x" * 32 + "…"
