"""The ranking of trials, with and without a Pareto front."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.metrics import ACCURACY, METRICS
from pipeline.study.record import TrialRecord, best, mark_front, ranked, standing_run
from pipeline.study.trial import TrialState
from tests.report.made_up import record

LOG_LOSS = METRICS["log_loss"]
STATES = (
    TrialState.COMPLETE,
    TrialState.COMPLETE,
    TrialState.PRUNED,
    TrialState.FAILED,
    TrialState.INTERRUPTED,
    TrialState.RUNNING,
)
MODELS = {TrialState.COMPLETE: "m.keras", TrialState.INTERRUPTED: "n.keras"}
TRIALS = st.lists(
    st.tuples(
        st.sampled_from(STATES), st.sampled_from([None, 0.2, 0.5, 0.7, 0.9]), st.integers(1, 4), st.integers(1, 4)
    ),
    max_size=12,
)
SCORED_BY = st.sampled_from([ACCURACY, LOG_LOSS])


def study(trials, minimized=(), metric=ACCURACY) -> list[TrialRecord]:
    costs = [{"macs": macs, "parameters": parameters} for _, _, macs, parameters in trials]
    records = [
        record(
            number, score, state, costs=costs[number], metric=metric, minimized=minimized, model=MODELS.get(state, "")
        )
        for number, (state, score, _, _) in enumerate(trials)
    ]
    return mark_front(records)


def numbers(records):
    return [record.number for record in records]


def test_complete_trials_first_then_by_score_fewer_macs_and_number():
    trials = [record(0, 0.5), record(1, 0.9, TrialState.PRUNED), record(2, 0.5, macs=9), record(3, 0.6), record(4, 0.5)]
    assert numbers(ranked([*trials, record(5, None), record(6, 0.9, TrialState.FAILED)])) == [3, 2, 0, 4, 1]


def test_an_interrupted_trial_that_left_a_model_ranks_by_its_score():
    cut = [record(0, 0.8, TrialState.INTERRUPTED, model="m.keras"), record(1, 0.9, TrialState.INTERRUPTED)]
    assert numbers(ranked([*cut, record(2, 0.7)])) == [0, 2, 1]
    assert best([*cut, record(2, 0.7, model="n.keras")]) is cut[0]


def test_a_lower_score_is_better_by_a_metric_that_is_minimized():
    trials = [record(0, 0.5, metric=LOG_LOSS), record(1, 0.1, TrialState.PRUNED, metric=LOG_LOSS)]
    assert numbers(ranked([*trials, record(2, 0.3, metric=LOG_LOSS)])) == [2, 0, 1]


@given(TRIALS, SCORED_BY)
def test_the_front_first_and_on_it_the_best_score(trials, metric):
    ranking = ranked(study(trials, ("macs",), metric))
    front = [record for record in ranking if record.front]
    assert ranking[: len(front)] == front
    assert [record.score for record in front] == sorted((record.score for record in front), key=metric.loss)
    assert sorted(numbers(ranking)) == sorted(numbers(ranked(study(trials))))
    assert all(record.state is TrialState.COMPLETE for record in front)


@given(TRIALS, st.sampled_from([("macs",), ("parameters",), ("parameters", "macs")]), SCORED_BY)
def test_the_best_has_the_best_score_of_those_with_a_model_and_with_costs_to_minimize_of_the_front(
    trials, minimized, metric
):
    def best_loss(*states):
        losses = [metric.loss(score) for state, score, *_ in trials if state in states and score is not None]
        return min(losses, default=None)

    alone = best(study(trials, (), metric))
    among = best(study(trials, minimized, metric))
    assert (alone and metric.loss(alone.score)) == best_loss(TrialState.COMPLETE, TrialState.INTERRUPTED)
    complete = best_loss(TrialState.COMPLETE)
    if complete is None:
        assert (among and among.score) == (alone and alone.score)  # their costs decide among equal scores
    else:
        assert (metric.loss(among.score), among.front) == (complete, True)


def test_equal_scores_are_decided_by_the_minimized_costs_in_their_order():
    trials = [(TrialState.COMPLETE, 0.9, 1, 4), (TrialState.COMPLETE, 0.9, 4, 1), (TrialState.COMPLETE, 0.2, 1, 1)]
    records = study(trials, ("parameters", "macs"))
    assert numbers(ranked(records)) == [1, 0, 2]
    assert all(record.front for record in records)


@pytest.mark.parametrize(("metric", "front"), [(ACCURACY, [False, True, False]), (LOG_LOSS, [True, False, False])])
def test_the_front_goes_by_the_direction_of_the_metric(metric, front):
    trials = [(TrialState.COMPLETE, score, 5, 1) for score in (0.1, 0.9, 0.5)]
    assert [record.front for record in study(trials, ("macs",), metric)] == front


def test_without_minimized_costs_nothing_is_marked():
    records = [record(0, 0.9, model="m.keras")]
    assert mark_front(records) == records
    assert not records[0].front


def test_a_mark_goes_when_the_front_has_passed_the_trial():
    passed = replace(record(0, 0.5, minimized=("macs",)), front=True)
    records = mark_front([passed, record(1, 0.9, minimized=("macs",))])
    assert [record.front for record in records] == [False, True]


def test_a_score_that_is_not_finite_is_on_no_front():
    records = study([(TrialState.COMPLETE, math.nan, 1, 1), (TrialState.COMPLETE, 0.5, 9, 9)], ("macs",))
    assert [record.front for record in records] == [False, True]


def test_costs_that_were_not_counted_are_unknown():
    counted = record(0, model="m.keras")
    uncounted = replace(counted, trial=replace(counted.trial, costs={"parameters": 12.0}))
    assert (uncounted.parameters, uncounted.macs) == (12, None)
    assert best([uncounted]) == uncounted


def test_a_record_passes_on_what_its_trial_and_result_say():
    trial = record(3, 0.25, TrialState.PRUNED, params={"a": 1, "b": 2}, drawn=("b",), metric=LOG_LOSS)
    assert (trial.number, trial.params, trial.drawn) == (3, {"a": 1, "b": 2}, ("b",))
    assert (trial.state, trial.score, trial.metric) == (TrialState.PRUNED, 0.25, LOG_LOSS)


@pytest.mark.parametrize(
    ("score", "state", "model", "stands"),
    [
        (0.9, TrialState.INTERRUPTED, "m.keras", "later"),
        (0.5, TrialState.INTERRUPTED, "m.keras", "earlier"),
        (0.9, TrialState.INTERRUPTED, "", "earlier"),
        (None, TrialState.INTERRUPTED, "", "earlier"),
        (0.9, TrialState.COMPLETE, "m.keras", "later"),
        (None, TrialState.RUNNING, "", "later"),
    ],
)
def test_a_run_that_is_interrupted_again_counts_only_with_a_better_model(score, state, model, stands):
    earlier, later = record(3, 0.8, TrialState.INTERRUPTED, model="m.keras"), record(3, score, state, model=model)
    assert standing_run(earlier, later) is {"earlier": earlier, "later": later}[stands]
    without = record(3, 0.8, TrialState.INTERRUPTED)
    assert standing_run(without, later) is later


@pytest.mark.parametrize(
    ("score", "state"), [(0.5, TrialState.COMPLETE), (0.5, TrialState.PRUNED), (None, TrialState.FAILED)]
)
def test_a_better_model_outlives_the_repetition_of_its_trial(score, state):
    earlier, later = record(3, 0.8, TrialState.INTERRUPTED, model="m.keras"), record(3, score, state)
    standing = standing_run(earlier, later)
    assert (standing.state, standing.score, standing.result.model) == (state, 0.8, "m.keras")
    others = [record(0, 0.6, model="n.keras"), record(1, 0.9, TrialState.FAILED), record(2, 0.9, TrialState.RUNNING)]
    assert best([*others, standing]) is standing
    assert numbers(ranked([*others, standing])) == [3, 0]


def test_a_record_is_one_short_line_for_people():
    best_one = record(3, 0.91234, params={"blocks": 2, "rate": 0.0012345, "norm": "batch"}, drawn=("blocks", "rate"))
    assert repr(best_one) == (
        "<Trial 3: complete, accuracy 0.9123, 3 epochs, 12.3 k parameters, 2.1 M MACs; blocks=2 rate=0.00123; no model>"
    )
    failed = record(0, None, TrialState.FAILED, reason="loss is nan", epochs=1, drawn=(), model="a/model.keras")
    assert repr(failed).startswith("<Trial 0: loss is nan, 1 epoch, ")
    assert repr(failed).endswith("MACs; model a/model.keras>")
