"""Captions."""

import numpy as np
import pytest

from pipeline.report.look import words
from pipeline.training.look.seen import Field, Filters, Unit
from tests.report.look.made_up import look, sight


def test_the_true_class_has_a_bar_however_small_its_share():
    shares = np.linspace(1, 0, 12, dtype=np.float32)
    made = look(classes=12)
    bars = words.bars(made, sight(shares=shares, label=11))
    assert len(bars) == 10
    assert [name for name, _ in bars] == [*(f"<class {number}>" for number in range(9)), "<class 11>"]
    assert [name for name, _ in words.bars(made, sight(shares=shares, label=3))][-1] == "<class 9>"


@pytest.mark.parametrize(("classes", "said"), [(10, ""), (11, "and 1 more class"), (1010, "and 1,000 more classes")])
def test_classes_without_a_bar(classes, said):
    assert words.more_bars(look(classes=classes)) == said


@pytest.mark.parametrize(
    ("kernels", "count", "depth", "said"),
    [
        ((5, 3, 1, 6), 6, 1, "c: 6 filters of 5x3"),
        ((3, 3, 3, 64), 96, 3, "c: the first 64 of 96 filters of 3x3, in colour"),
        ((3, 3, 4, 6), 6, 4, "c: 6 filters of 3x3, a row for each of 4 channels"),
        ((3, 3, 8, 6), 6, 20, "c: 6 filters of 3x3, a row for each of the first 8 of 20 channels"),
    ],
)
def test_filters(kernels, count, depth, said):
    assert words.of_filters(Filters("c", np.zeros(kernels, np.float32), count, depth)) == said


def test_a_field_that_ends_inside_the_image_says_no_more():
    text = words.of_field(Field(Unit("c", 1, 2), (5, 3), 7, (0, 0, 9, 9), (9, 9)))
    assert text == "Unit 1,2 of the 5x3 map of c (channel 7) sees 9x9 pixels"
    assert words.of_field(Field(Unit("c", 1, 2), (5, 3), 7, (0, 0, 9, 9), (9, 9), ("odd",))).endswith(
        "; at most: odd is taken to see all"
    )
