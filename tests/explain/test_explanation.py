"""The data classes of an explanation."""

import numpy as np
import pytest

from pipeline.errors import JobError
from pipeline.explain.explanation import ExplainOptions, Unit
from tests.explain.made_up import make_image


@pytest.mark.parametrize("text", ["conv", "conv:1", ":1,2", "conv:-1,2", "conv:1,2,3", "conv:1,x", ""])
def test_text_that_is_not_a_unit(text):
    with pytest.raises(ValueError, match="expected LAYER:ROW,COLUMN such as block1_conv1:3,5"):
        Unit.parse(text)


def test_a_layer_name_may_hold_a_colon_and_numbers_may_have_spaces():
    assert Unit.parse("middle/conv:0:3, 5") == Unit("middle/conv:0", 3, 5)


def test_black_and_white_must_differ():
    with pytest.raises(JobError, match="--pixels: expected two different numbers such as -1 1, got 1 1"):
        ExplainOptions(pixel_range=(1.0, 1.0))


@pytest.mark.parametrize(("label", "correct"), [(1, True), (0, False), (None, None)])
def test_a_prediction_is_correct_if_it_is_the_label(label, correct):
    image = make_image(probabilities=np.array([0.25, 0.75], np.float32), label=label)
    assert (image.predicted, image.correct) == (1, correct)


def test_without_classes_nothing_is_predicted():
    image = make_image(classes=0, label=0)
    assert (image.predicted, image.correct) == (None, None)
