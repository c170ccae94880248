import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.data.split import HELD_OUT_SHARE, TEST, TRAIN, VALIDATION, check_counts, split_rows
from pipeline.errors import DataError


@st.composite
def labelled(draw):
    """Labels in any order with enough images of each class, and the splits that are given."""
    parts = draw(st.sampled_from([(TRAIN,), (TRAIN, VALIDATION), (TRAIN, TEST), (TRAIN, VALIDATION, TEST)]))
    sizes = draw(st.lists(st.integers(4 - len(parts), 60), min_size=2, max_size=6))
    rows = [(label, TRAIN) for label, size in enumerate(sizes) for _ in range(size)]
    for part in parts[1:]:
        rows += [(label, part) for label in range(len(sizes)) for _ in range(draw(st.integers(1, 9)))]
    rows = draw(st.permutations(rows))
    labels, given_ = zip(*rows, strict=True)
    return np.array(labels, np.int64), np.array(given_, np.uint8), [f"class {label}" for label in range(len(sizes))]


@settings(max_examples=60, deadline=None)
@given(labelled(), st.integers(0, 2**32))
def test_splits_are_disjoint_covering_sorted_and_stratified(case, seed):
    labels, given_, classes = case
    parts = split_rows(labels, given_, np.arange(len(labels)), seed)
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(len(labels)))
    for number, rows in enumerate(parts):
        assert rows.dtype == np.int64
        assert np.all(np.diff(rows) > 0)
        if number != TRAIN and (given_ == number).any():
            assert np.array_equal(rows, np.flatnonzero(given_ == number))
            continue
        assert np.all(given_[rows] == TRAIN)
        for label in range(len(classes)):
            count = np.sum(labels[rows] == label)
            pool = np.sum((labels == label) & (given_ == TRAIN))
            assert count >= 1
            assert number == TRAIN or abs(count - HELD_OUT_SHARE * pool) <= 1


@settings(max_examples=30, deadline=None)
@given(labelled(), st.integers(0, 2**32))
def test_the_same_seed_gives_the_same_split(case, seed):
    first, again = (split_rows(*case[:2], np.arange(len(case[0])), seed) for _ in range(2))
    assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))


def test_another_seed_gives_another_split():
    labels = np.repeat(np.arange(4), 50)
    first, other = (split_rows(labels, np.zeros(200, np.uint8), np.arange(200), seed) for seed in (0, 1))
    assert not np.array_equal(first.test, other.test)
    assert len(first.test) == len(other.test)


def test_the_split_is_the_same_on_every_machine_and_version():
    parts = split_rows(np.tile(np.arange(2), 10), np.zeros(20, np.uint8), np.arange(20), 0)
    assert parts.validation.tolist() == [4, 6, 9, 15]
    assert parts.test.tolist() == [2, 3, 11, 16]


def test_all_given_splits_leave_nothing_to_the_seed():
    given_ = np.array([TRAIN, TRAIN, VALIDATION, TEST], np.uint8)
    parts = split_rows(np.array([0, 1, 0, 1]), given_, np.arange(4), 3)
    assert [rows.tolist() for rows in parts] == [[0, 1], [2], [3]]


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ([0] * 8, "class 'dog' has 2 training images; expected at least 3 (train and validation and test)"),
        ([0] * 6 + [2, 0], "class 'dog' has 1 training image; expected at least 2 (train and validation)"),
        ([0] * 6 + [1, 0], "class 'dog' has 1 training image; expected at least 2 (train and test)"),
        ([0] * 5 + [1, 2, 2], "class 'dog' has 0 training images; expected at least 1 (train)"),
    ],
)
def test_a_class_too_small_is_named(given_, message):
    labels = np.array([0] * 6 + [1] * 2)
    with pytest.raises(DataError) as caught:
        check_counts(labels, np.array(given_, np.uint8), ["cat", "dog"], "pets")
    assert str(caught.value) == f"pets: {message}; add images or remove the class"


@given(st.integers(0, 2**32))
def test_copies_stay_together(seed):
    copy_of = np.concatenate([np.arange(40), np.arange(20)])
    parts = split_rows(np.zeros(60, np.int64), np.zeros(60, np.uint8), copy_of, seed)
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(60))
    where = np.empty(60, np.int64)
    for number, rows in enumerate(parts):
        assert len(rows)
        where[rows] = number
    assert np.array_equal(where[:20], where[40:])


def test_copies_are_parted_where_a_split_would_have_none():
    parts = split_rows(np.zeros(6, np.int64), np.zeros(6, np.uint8), np.zeros(6, np.int64), 0)
    assert [len(rows) for rows in parts] == [4, 1, 1]


def test_a_class_too_small_to_split_stays_whole_where_nothing_is_trained():
    parts = split_rows(np.array([0, 0, 1, 1, 1]), np.zeros(5, np.uint8), np.arange(5), 0)
    assert [len(rows) for rows in parts] == [3, 1, 1]
    assert set(parts.train) >= {0, 1}
    parts = split_rows(np.array([0, 1]), np.full(2, TEST, np.uint8), np.arange(2), 0)
    assert [rows.tolist() for rows in parts] == [[], [], [0, 1]]
