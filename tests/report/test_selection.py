"""Sorting and filtering trials."""

import operator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import JobError
from pipeline.report.formatting import format_params
from pipeline.report.selection import Selection
from pipeline.report.trials_table import cells, print_cell
from pipeline.study.objective import Objective
from pipeline.study.record import mark_front
from pipeline.study.trial import TrialState
from tests.report.made_up import record

RECORDS = [
    record(0, 0.9, params={"pool": "max", "flip": True, "lr": 0.1, "odd": "none"}),
    record(
        1, None, TrialState.FAILED, reason="loss is nan", params={"pool": "none", "flip": False, "lr": 0.01, "odd": 2}
    ),
    record(2, 0.7, TrialState.PRUNED, params={"pool": "max", "flip": False, "odd": 10}, macs=10),
    record(3, 0.8, params={"pool": "average", "flip": False, "lr": 1.0, "odd": "max"}),
]


def numbers(**selection):
    return [record.number for record in Selection(**selection).of(RECORDS)]


def test_by_number_unless_told_otherwise():
    assert [record.number for record in Selection().of(RECORDS[::-1])] == [0, 1, 2, 3]
    assert numbers(sort="number") == numbers(sort="trial") == [0, 1, 2, 3]


def test_sorting_leaves_what_is_missing_to_the_end_both_ways():
    assert numbers(sort="score") == [2, 3, 0, 1]
    assert numbers(sort="score", reverse=True) == [0, 3, 2, 1]
    assert numbers(sort="lr", reverse=True) == [3, 0, 1, 2]


def test_a_column_of_numbers_and_words_sorts():
    assert numbers(sort="odd") == [1, 2, 3, 0]


def test_top_is_taken_last():
    assert numbers(where=("state=complete",), sort="score", reverse=True, top=1) == [0]


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ("state=complete", [0, 3]),
        (" state != complete ", [1, 2]),
        ("score>=0.8", [0, 3]),
        ("score<0.8", [2]),
        ("score!=0.9", [1, 2, 3]),
        ("number<=1", [0, 1]),
        ("macs<1_000", [2]),
        ("lr>1e-2", [0, 3]),
        ("lr=1", [3]),
        ("pool=max", [0, 2]),
        ("pool=none", [1]),
        ("flip=true", [0]),
        ("flip!=true", [1, 2, 3]),
        ("odd=2", [1]),
        ("reason=loss is nan", [1]),
        ("reason!=loss is nan", [0, 2, 3]),
        ("score>1", []),
        ("score>99999999999999999999", []),
        ("Score>=0.8", [0, 3]),
        ("trial<=1", [0, 1]),
        ("rank<=2", [0, 3]),
        ("rank=-", [1]),
        ("score=-", [1]),
        ("score!=-", [0, 2, 3]),
        ("lr!=-", [0, 1, 3]),
        ("MACs<0.1 k", [2]),
        ("macs<1k", [2]),
        ("state=Complete", [0, 3]),
        ("flip=Yes", [0]),
        ("FLIP=False", [1, 2, 3]),
    ],
)
def test_conditions(test, expected):
    assert numbers(where=(test,)) == expected


def test_all_conditions_must_hold():
    assert numbers(where=("pool=max", "score>0.8")) == [0]


@given(st.sampled_from(["<", "<=", ">", ">=", "=", "!="]), st.sampled_from([0.7, 0.8, 0.85, 0.9]))
def test_comparing_is_pythons(symbol, limit):
    compare = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "=": operator.eq}
    expected = [
        record.number
        for record in RECORDS
        if (
            record.score != limit
            if symbol == "!="
            else record.score is not None and compare[symbol](record.score, limit)
        )
    ]
    assert numbers(where=(f"score{symbol}{limit}",)) == expected


@pytest.mark.parametrize(
    ("test", "words"),
    [
        ("stat=complete", ["unknown column 'stat'", "'state'"]),
        ("state=complet", ["unknown state 'complet'", "'complete'"]),
        ("state<complete", ["state has no order", "= or !="]),
        ("pool>max", ["pool has no order"]),
        ("score>high", ["score is a number", "'high'"]),
        ("score>true", ["score is a number"]),
        ("seconds>5kg", ["seconds is a number, or one with s, m", "'5kg'"]),
        ("flip=1", ["flip is true or false", "'1'"]),
        ("flip<true", ["flip has no order"]),
        ("score", ["expected COLUMN", "'score'"]),
        ("score>=", ["expected COLUMN"]),
        (">=3", ["expected COLUMN"]),
        ("", ["expected COLUMN"]),
        ("__import__('os').system('true')=1", ["unknown column"]),
        ("@score>0", ["unknown column"]),
    ],
)
def test_a_bad_condition_is_one_clear_line(test, words):
    with pytest.raises(JobError) as caught:
        numbers(where=(test,))
    message = str(caught.value)
    assert "--where" in message
    assert "\n" not in message
    for word in words:
        assert word in message


def test_an_unknown_sorting_column():
    with pytest.raises(JobError, match=r"--sort: unknown column 'scor', did you mean 'score'\?; columns are trial, "):
        numbers(sort="scor")


def test_the_front_is_a_column_of_a_study_that_has_one():
    objective = Objective(minimized=("macs",))
    minimizing = [replace(record, objective=objective) for record in RECORDS]
    records = mark_front([*minimizing, record(4, 0.1, macs=5, minimized=("macs",), costs={"latency_ms": 2.5})])
    selected = Selection(where=("front=true",), sort="score").of(records)
    assert [record.number for record in selected] == [4, 0]
    assert [record.number for record in Selection(where=("latency_ms<3",)).of(records)] == [4]
    for word in ("yes", "True", "TRUE"):
        assert Selection(where=(f"front={word}",)).of(records) == Selection(where=("front=true",)).of(records)
    with pytest.raises(JobError, match="front is true or false"):
        Selection(where=("front=1",)).of(records)
    with pytest.raises(JobError, match="unknown column 'front'"):
        numbers(where=("front=true",))


def test_no_trials_are_no_error():
    assert Selection(where=("lr>1",), sort="lr").of([]) == []


@pytest.mark.parametrize("word", ["value", "values"])
def test_other_words_for_the_score_get_advice(word):
    with pytest.raises(JobError, match=f"unknown column '{word}', did you mean 'score'"):
        numbers(sort=word)
    with pytest.raises(JobError, match=f"unknown column '{word}', did you mean 'score'"):
        numbers(where=(f"{word}>=0.9",))


def test_a_hyperparameter_may_be_called_value():
    records = [record(0, params={"value": 2}), record(1, params={"value": 1})]
    assert [record.number for record in Selection(sort="value").of(records)] == [1, 0]


MANY = [
    record(
        number,
        0.9 - number * 0.011234567,
        params={"learning_rate": 0.0123456 / (number + 1), "filters_1": 16, "filters_2": 16 << number, "norm": "batch"},
        parameters=12_345 * 7**number,
        macs=1_234_567 * 3**number,
        seconds=61.23456 * (number + 1),
        costs={"latency_ms": 0.123456 * (number + 1)},
    )
    for number in range(4)
]


@pytest.mark.parametrize("column", ["trial", "state", "score", "epochs", "seconds", "parameters", "macs", "latency_ms"])
def test_what_a_table_prints_selects_its_row(column):
    """As printed, a value is equal to itself, and neither below nor above itself."""
    for one in MANY:
        printed = print_cell(column, cells(one)[column])
        assert one in Selection(where=(f"{column}={printed}",)).of(MANY)
        assert one not in Selection(where=(f"{column}!={printed}",)).of(MANY)
        if column not in ("state", "epochs"):
            assert Selection(where=(f"{column.upper()} >= {printed}", f"{column}<={printed}")).of(MANY) == [one]
            assert one not in Selection(where=(f"{column}>{printed}",)).of(MANY)


def test_what_a_table_prints_of_the_params_selects_its_row():
    for one in MANY:
        for word in format_params(one.params, ["learning_rate", "filters"]).split():
            assert Selection(where=(word,)).of(MANY) == [one]
    assert Selection(sort="lr").of(MANY) == MANY[::-1]
    assert Selection(sort="rank", reverse=True).of(MANY) == MANY[::-1]


def test_a_name_that_is_there_wins_over_what_it_is_short_for():
    records = [record(0, params={"lr": 2, "learning_rate": 1, "Score": 5}), record(1, params={"lr": 1, "Score": 6})]
    assert [record.number for record in Selection(sort="lr").of(records)] == [1, 0]
    assert [record.number for record in Selection(where=("Score=6",)).of(records)] == [1]
    assert Selection(where=("score>1",)).of(records) == []
