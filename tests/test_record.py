"""The ranking of trials, with and without a Pareto front."""

import math

from hypothesis import given
from hypothesis import strategies as st

from pipeline.record import Record, best, ranked, with_front
from pipeline.trial import State
from tests.report.made_up import record

ENDS = (State.COMPLETE, State.COMPLETE, State.PRUNED, State.FAILED, State.INTERRUPTED, State.RUNNING)
TRIALS = st.lists(
    st.tuples(st.sampled_from(ENDS), st.sampled_from([None, 0.2, 0.5, 0.7, 0.9]), st.integers(1, 4), st.integers(1, 4)),
    max_size=12,
)


def study(trials) -> list[Record]:
    return [
        record(number, value, state, macs=macs, parameters=parameters, model="m.keras")
        for number, (state, value, macs, parameters) in enumerate(trials)
    ]


def numbers(records):
    return [one.number for one in records]


def test_complete_trials_first_then_by_value_fewer_macs_and_number():
    trials = [record(0, 0.5), record(1, 0.9, State.PRUNED), record(2, 0.5, macs=9), record(3, 0.6), record(4, 0.5)]
    assert numbers(ranked([*trials, record(5, None), record(6, 0.9, State.FAILED)])) == [3, 2, 0, 4, 1]


@given(TRIALS)
def test_the_front_first_and_on_it_the_most_accurate(trials):
    records = with_front(study(trials), ("macs",))
    ranking = ranked(records)
    on = [one for one in ranking if one.front]
    assert ranking[: len(on)] == on
    assert [one.value for one in on] == sorted((one.value for one in on), reverse=True)
    assert sorted(numbers(ranking)) == sorted(numbers(ranked(study(trials))))
    assert all(one.state is State.COMPLETE for one in on)


@given(TRIALS, st.sampled_from([("macs",), ("parameters",), ("parameters", "macs")]))
def test_the_champion_is_the_most_accurate_with_or_without_other_objectives(trials, minimised):
    alone, among = best(study(trials)), best(with_front(study(trials), minimised))
    assert (alone is None) == (among is None)
    if alone is not None:
        assert (alone.state, alone.value) == (among.state, among.value)
        assert among.front or among.state is not State.COMPLETE


def test_equal_accuracy_is_decided_by_the_other_objectives_in_their_order():
    trials = [(State.COMPLETE, 0.9, 1, 4), (State.COMPLETE, 0.9, 4, 1), (State.COMPLETE, 0.2, 1, 1)]
    assert numbers(ranked(with_front(study(trials), ("parameters", "macs")))) == [1, 0, 2]
    assert all(one.front for one in with_front(study(trials), ("parameters", "macs")))


def test_without_other_objectives_nothing_is_marked():
    records = study([(State.COMPLETE, 0.9, 1, 1)])
    assert with_front(records, ()) == records
    assert not records[0].front


def test_a_value_that_is_no_number_is_on_no_front():
    records = with_front(study([(State.COMPLETE, math.nan, 1, 1), (State.COMPLETE, 0.5, 9, 9)]), ("macs",))
    assert [one.front for one in records] == [False, True]


def test_costs_that_were_not_counted_are_unknown():
    uncounted = Record(0, {}, (), {"parameters": 12.0}, 0, record(0, model="m.keras").outcome)
    assert (uncounted.parameters, uncounted.macs) == (12, None)
    assert best([uncounted]) == uncounted
