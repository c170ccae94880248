"""The selection of images to explain."""

import numpy as np

from pipeline.explain.image_selection import select_images


def probabilities(*rows):
    """One row per image: the predicted class and its probability."""
    table = np.full((len(rows), 4), 0.0, np.float32)
    for index, (predicted, probability) in enumerate(rows):
        table[index] = (1 - probability) / 3
        table[index, predicted] = probability
    return table


LABELS = np.array([0, 0, 1, 2, 0, 1, 3, 3])
PROBABILITIES = probabilities((0, 0.99), (0, 0.98), (1, 0.6), (2, 0.7), (1, 0.9), (2, 0.8), (2, 0.95), (0, 0.5))


def test_the_most_certain_of_each_group_a_class_once_before_it_comes_twice():
    assert select_images(PROBABILITIES, LABELS, 3) == [0, 3, 2, 6, 4, 5]
    assert select_images(PROBABILITIES, LABELS, 4) == [0, 3, 2, 1, 6, 4, 5, 7]
    assert select_images(PROBABILITIES, LABELS, 1) == [0, 6]


def test_where_everything_is_correct_nothing_wrong_is_selected():
    assert select_images(PROBABILITIES, PROBABILITIES.argmax(axis=1), 2) == [0, 6]
    assert select_images(PROBABILITIES[:0], LABELS[:0], 3) == []
