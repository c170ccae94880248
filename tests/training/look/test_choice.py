import numpy as np

from pipeline.training.look.choice import choose


def shares(*rows):
    """A row an image: the class it is taken for and how sure."""
    found = np.full((len(rows), 4), 0.0, np.float32)
    for place, (taken, share) in enumerate(rows):
        found[place] = (1 - share) / 3
        found[place, taken] = share
    return found


LABELS = np.array([0, 0, 1, 2, 0, 1, 3, 3])
SHARES = shares((0, 0.99), (0, 0.98), (1, 0.6), (2, 0.7), (1, 0.9), (2, 0.8), (2, 0.95), (0, 0.5))


def test_the_surest_of_each_kind_a_class_once_before_it_comes_twice():
    assert choose(SHARES, LABELS, 3) == [0, 3, 2, 6, 4, 5]
    assert choose(SHARES, LABELS, 4) == [0, 3, 2, 1, 6, 4, 5, 7]
    assert choose(SHARES, LABELS, 1) == [0, 6]


def test_where_everything_is_right_nothing_wrong_is_shown():
    assert choose(SHARES, SHARES.argmax(axis=1), 2) == [0, 6]
    assert choose(SHARES[:0], LABELS[:0], 3) == []
