"""Sorting and filtering trials."""

import operator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import JobError
from pipeline.record import with_front
from pipeline.report.select import Selection
from pipeline.trial import State
from tests.report.made_up import record

RECORDS = [
    record(0, 0.9, values={"pool": "max", "flip": True, "lr": 0.1, "odd": "none"}),
    record(1, None, State.FAILED, reason="loss is nan", values={"pool": "none", "flip": False, "lr": 0.01, "odd": 2}),
    record(2, 0.7, State.PRUNED, values={"pool": "max", "flip": False, "odd": 10}, macs=10),
    record(3, 0.8, values={"pool": "average", "flip": False, "lr": 1.0, "odd": "max"}),
]


def numbers(**wanted):
    return [one.number for one in Selection(**wanted).of(RECORDS)]


def test_by_number_unless_told_otherwise():
    assert [one.number for one in Selection().of(RECORDS[::-1])] == [0, 1, 2, 3]


def test_sorting_leaves_what_is_missing_to_the_end_both_ways():
    assert numbers(sort="value") == [2, 3, 0, 1]
    assert numbers(sort="value", reverse=True) == [0, 3, 2, 1]
    assert numbers(sort="lr", reverse=True) == [3, 0, 1, 2]


def test_a_column_of_numbers_and_words_sorts():
    assert numbers(sort="odd") == [1, 2, 3, 0]


def test_top_is_taken_last():
    assert numbers(where=("state=complete",), sort="value", reverse=True, top=1) == [0]


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ("state=complete", [0, 3]),
        (" state != complete ", [1, 2]),
        ("value>=0.8", [0, 3]),
        ("value<0.8", [2]),
        ("value!=0.9", [1, 2, 3]),
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
        ("value>1", []),
    ],
)
def test_conditions(test, expected):
    assert numbers(where=(test,)) == expected


def test_all_conditions_must_hold():
    assert numbers(where=("pool=max", "value>0.8")) == [0]


@given(st.sampled_from(["<", "<=", ">", ">=", "=", "!="]), st.sampled_from([0.7, 0.8, 0.85, 0.9]))
def test_comparing_is_pythons(symbol, limit):
    compare = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "=": operator.eq}
    expected = [
        one.number
        for one in RECORDS
        if (one.value != limit if symbol == "!=" else one.value is not None and compare[symbol](one.value, limit))
    ]
    assert numbers(where=(f"value{symbol}{limit}",)) == expected


@pytest.mark.parametrize(
    ("test", "words"),
    [
        ("stat=complete", ["unknown column 'stat'", "'state'"]),
        ("state=complet", ["unknown state 'complet'", "'complete'"]),
        ("state<complete", ["state has no order", "= or !="]),
        ("pool>max", ["pool has no order"]),
        ("value>high", ["value is a number", "'high'"]),
        ("value>true", ["value is a number"]),
        ("value>99999999999999999999", ["value is a number"]),
        ("flip=1", ["flip is true or false", "'1'"]),
        ("flip<true", ["flip has no order"]),
        ("value", ["expected COLUMN", "'value'"]),
        ("value>=", ["expected COLUMN"]),
        (">=3", ["expected COLUMN"]),
        ("", ["expected COLUMN"]),
        ("__import__('os').system('true')=1", ["unknown column"]),
        ("@value>0", ["unknown column"]),
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
    with pytest.raises(JobError, match=r"--sort: unknown column 'vale', did you mean 'value'\?; columns are number, "):
        numbers(sort="vale")


def test_the_front_is_a_column_of_a_study_that_has_one():
    records = with_front([*RECORDS, record(4, 0.1, macs=5, costs={"latency_ms": 2.5})], ("macs",))
    chosen = Selection(where=("front=true",), sort="value").of(records)
    assert [one.number for one in chosen] == [4, 0]
    assert [one.number for one in Selection(where=("latency_ms<3",)).of(records)] == [4]
    with pytest.raises(JobError, match="front is true or false"):
        Selection(where=("front=yes",)).of(records)
    with pytest.raises(JobError, match="unknown column 'front'"):
        numbers(where=("front=true",))


def test_no_trials_are_no_error():
    assert Selection(where=("lr>1",), sort="lr").of([]) == []
