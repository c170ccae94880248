"""McNemar's test, against SciPy."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pipeline.metrics.mcnemar import McNemar, compare
from tests.metrics.predictions import one_hot


@given(st.integers(0, 24).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_few_disagreements_are_tested_exactly(drawn):
    first, n = drawn
    test = McNemar(5, first, n - first, 7)
    assert test.test == "exact binomial"
    assert test.p_value == pytest.approx(stats.binomtest(first, n).pvalue if n else 1.0)


@given(st.integers(0, 500), st.integers(25, 500))
def test_many_by_chi_square(first, second):
    test = McNemar(5, first, second, 7)
    assert test.test == "chi-square with continuity correction"
    corrected = max(0, abs(first - second) - 1) ** 2 / (first + second)
    assert test.p_value == pytest.approx(stats.chi2.sf(corrected, 1))
    assert test.differ == (test.p_value < 0.05)
    assert test.p_value == McNemar(5, second, first, 7).p_value


def test_an_example_by_hand():
    """63 x 63 / 236 = 16.8178, whose root is 4.1010 standard deviations."""
    test = McNemar(794, 150, 86, 570)
    assert test.p_value == pytest.approx(2 * stats.norm.sf(4.1010), rel=1e-3)
    assert test.accuracies == pytest.approx((944 / 1600, 880 / 1600))


def test_images_are_counted():
    labels = np.array([0, 0, 1, 1, 2, 2])
    first, second = one_hot(np.array([0, 0, 1, 0, 0, 0]), 3), one_hot(np.array([0, 1, 1, 1, 2, 0]), 3)
    test = compare(labels, first, second)
    assert test == McNemar(both_right=2, only_first=1, only_second=2, both_wrong=1)
    assert json.loads(json.dumps(test.as_dict())) == {
        "both_right": 2,
        "only_first_right": 1,
        "only_second_right": 2,
        "both_wrong": 1,
        "accuracies": [0.5, pytest.approx(4 / 6)],
        "test": "McNemar, exact binomial",
        "p_value": 1.0,
        "level": 0.05,
        "significant": False,
    }
