"""The values of a hyperparameter along an axis."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.report.plots.scale import ABSENT, Scale, count_varied, scored, varied
from pipeline.study.trial import TrialState
from tests.report.made_up import record

KINDS = (st.integers(-5, 10**6), st.floats(1e-9, 1e9), st.floats(-1, 1), st.booleans(), st.text())
VALUES = st.sampled_from(KINDS).flatmap(lambda kind: st.lists(st.one_of(kind, st.none()), min_size=1, max_size=40))


@given(values=VALUES)
@example(values=[1.0, 0.5, 0.75, 2.2e-311])
def test_every_value_has_a_place_on_the_axis_and_larger_numbers_lie_higher(values):
    scale = Scale.of(values)
    assert set(scale.places) == set(values)
    assert all(0 <= place <= 1 or place == ABSENT for place in scale.places.values())
    assert all(0 <= place <= 1 or place == ABSENT for place, _ in scale.ticks)
    numbers = sorted({value for value in values if isinstance(value, float)})
    places = [scale.places[number] for number in numbers]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([16, 64, 32] * 2, [(0, "16"), (0.5, "32"), (1, "64")]),
        ([True, False], [(0, "false"), (1, "true")]),
        (["max", None, "average"], [(ABSENT, "unused"), (0, "average"), (1, "max")]),
        ([0.5], [(0.5, "0.5")]),
        ([1e-4, 3e-3, 0.02, 0.1], [(0, "0.0001"), (1 / 3, "0.001"), (2 / 3, "0.01"), (1, "0.1")]),
        ([0.0, 0.11, 0.27, 0.4], [(0, "0"), (0.25, "0.1"), (0.5, "0.2"), (0.75, "0.3"), (1, "0.4")]),
        ([None], [(ABSENT, "unused")]),
    ],
)
def test_the_ticks(values, ticks):
    found = Scale.of(values).ticks
    assert [text for _, text in found] == [text for _, text in ticks]
    assert [place for place, _ in found] == pytest.approx([place for place, _ in ticks])


def test_a_constant_and_what_the_space_did_not_draw_do_not_vary():
    records = [record(n, 0.5, params={"same": 1, "set": n, "other": n}, drawn=("same", "other")) for n in range(3)]
    assert varied(records, {}) == ["other"]
    assert count_varied(records) == 1
    some = [record(0, params={"a": 1}), record(1, params={"a": 1, "b": 2})]
    assert varied(some, {}) == ["b"]


def test_scored_trials_are_those_that_ended_with_a_score_the_worst_first():
    records = [
        record(0, 0.9),
        record(1, 0.2, TrialState.PRUNED),
        record(2, None, TrialState.FAILED),
        record(3, None, TrialState.RUNNING),
        record(4, 0.5, TrialState.INTERRUPTED),
        record(5, float("nan"), TrialState.PRUNED),
    ]
    assert [one.number for one in scored(records)] == [1, 4, 0]
