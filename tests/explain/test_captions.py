"""The captions of an explanation."""

import numpy as np
import pytest

from pipeline.explain import captions
from pipeline.explain.explanation import Filters, ReceptiveField, Unit
from tests.explain.made_up import make_explanation, make_image


def test_a_prediction_is_correct_or_wrong_where_the_true_class_is_known():
    probabilities, explanation = np.array([0.25, 0.75], np.float32), make_explanation(classes=2)
    texts = [
        captions.describe_prediction(explanation, make_image(probabilities=probabilities, heatmaps=(), label=label))
        for label in (1, 0, None)
    ]
    assert texts == [
        "correct: predicted <class 1> (0.75)",
        "wrong: predicted <class 1> (0.75), true class <class 0>",
        "predicted <class 1> (0.75)",
    ]
    assert captions.describe_prediction(make_explanation(classes=0), make_image(classes=0, label=0)) == ""


def test_the_true_class_has_a_bar_however_small_its_probability():
    probabilities = np.linspace(1, 0, 12, dtype=np.float32)
    explanation = make_explanation(classes=12)
    classes = captions.top_classes(explanation, make_image(probabilities=probabilities, label=11))
    assert len(classes) == 10
    assert [name for name, _ in classes] == [*(f"<class {number}>" for number in range(9)), "<class 11>"]
    likely = captions.top_classes(explanation, make_image(probabilities=probabilities, label=3))
    assert [name for name, _ in likely][-1] == "<class 9>"


@pytest.mark.parametrize(("classes", "text"), [(10, ""), (11, "and 1 more class"), (1010, "and 1,000 more classes")])
def test_classes_without_a_bar(classes, text):
    assert captions.describe_other_classes(make_explanation(classes=classes)) == text


@pytest.mark.parametrize(
    ("kernels", "count", "depth", "text"),
    [
        ((5, 3, 1, 6), 6, 1, "c: 6 filters of 5x3"),
        ((3, 3, 3, 64), 96, 3, "c: the first 64 of 96 filters of 3x3, in colour"),
        ((3, 3, 4, 6), 6, 4, "c: 6 filters of 3x3, one row per channel (4)"),
        ((3, 3, 8, 6), 6, 20, "c: 6 filters of 3x3, one row per channel (the first 8 of 20)"),
    ],
)
def test_filters(kernels, count, depth, text):
    assert captions.describe_filters(Filters("c", np.zeros(kernels, np.float32), count, depth)) == text


def test_a_field_that_ends_inside_the_image_says_no_more():
    text = captions.describe_receptive_field(ReceptiveField(Unit("c", 1, 2), (5, 3), 7, (0, 0, 9, 9), (9, 9)))
    assert text == "Receptive field of unit 1,2 of the 5x3 map of c (channel 7): 9x9 pixels"
    assert captions.describe_receptive_field(
        ReceptiveField(Unit("c", 1, 2), (5, 3), 7, (0, 0, 9, 9), (9, 9), ("odd",))
    ).endswith("; an upper bound, as odd is assumed to see the whole input")
