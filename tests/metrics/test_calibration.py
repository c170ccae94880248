"""The calibration error, against its definition."""

import math

import numpy as np
import pytest
from hypothesis import given

from pipeline.metrics.calibration import BINS, measure_calibration
from tests.metrics.predictions import one_hot, predictions

pytestmark = pytest.mark.filterwarnings("error")


def by_definition(labels, probabilities):
    """Equation 3 of Guo et al., one image and one bin at a time."""
    bins = [[] for _ in range(BINS)]
    for label, row in zip(labels, probabilities, strict=True):
        confidence = row.max()
        number = next(i for i in range(BINS) if confidence <= (i + 1) / BINS or i == BINS - 1)
        bins[number].append((confidence, row.argmax() == label))
    parts = [len(held) * abs(np.mean([r for _, r in held]) - np.mean([c for c, _ in held])) for held in bins if held]
    return sum(parts) / len(labels)


@given(predictions())
def test_it_is_the_published_one(drawn):
    result = measure_calibration(*drawn)
    assert result.error == pytest.approx(by_definition(*drawn))
    assert result.images.sum() == len(drawn[0])
    assert result.mean_confidence == pytest.approx(drawn[1].max(axis=1).mean())


def test_sure_and_right_sure_and_wrong():
    labels = np.array([0, 1, 1, 0])
    assert measure_calibration(labels, one_hot(labels, 2)).error == 0
    assert measure_calibration(labels, one_hot(1 - labels, 2)).error == 1


def test_a_probability_of_one_half_that_is_right_half_of_the_time():
    probabilities = np.full((10, 2), 0.5, np.float32)
    assert measure_calibration(np.arange(10) % 2, probabilities).error == pytest.approx(0)
    plain = measure_calibration(np.arange(10) % 2, probabilities).as_dict()
    assert plain["bins"] == [{"above": 7 / 15, "up_to": 8 / 15, "images": 10, "confidence": 0.5, "accuracy": 0.5}]


@pytest.mark.parametrize("probabilities", [np.zeros((0, 3)), np.full((2, 3), np.nan)])
def test_where_there_is_nothing_to_measure(probabilities):
    result = measure_calibration(np.zeros(len(probabilities), np.int64), probabilities)
    assert math.isnan(result.error)
    assert result.as_dict() == {"error": None, "mean_confidence": None, "bins": []}
