import math

import keras
import numpy as np
import pytest
from keras import ops

from pipeline.recipe import Recipe
from pipeline.training.optimize import Schedule, loss, optimizer

STEPS = 1000


def rates(**values):
    schedule = Schedule(Recipe.from_values({"learning_rate": 0.1, **values}), STEPS)
    return np.array([float(ops.convert_to_numpy(schedule(step))) for step in range(0, STEPS, 10)])


def test_constant_is_constant():
    assert rates() == pytest.approx(0.1)


def test_warmup_rises_in_a_line_from_nearly_zero():
    values = rates(warmup=0.2)
    assert values[0] == pytest.approx(0.1 / 200, rel=1e-3)
    assert np.diff(values[:20]) == pytest.approx(0.1 / 20, rel=1e-2)
    assert values[20:] == pytest.approx(0.1)


def test_cosine_falls_from_the_peak_to_zero():
    values = rates(schedule="cosine")
    expected = 0.05 * (1 + np.cos(np.pi * np.arange(0, STEPS, 10) / STEPS))
    assert values == pytest.approx(expected, abs=1e-6)


def test_one_cycle_starts_low_peaks_at_its_rise_and_ends_at_zero():
    values = rates(schedule="one_cycle")
    assert values[0] == pytest.approx(0.1 / 25, rel=0.1)
    assert values.argmax() in (29, 30)
    assert values.max() == pytest.approx(0.1, rel=1e-2)
    assert values[-1] < 1e-3


@pytest.mark.parametrize(
    ("values", "kind", "decay"),
    [
        ({"optimizer": "sgd", "weight_decay": 0.01}, keras.optimizers.SGD, 0.01),
        ({"optimizer": "adamw", "weight_decay": 0.02}, keras.optimizers.AdamW, 0.02),
        ({"optimizer": "adam", "weight_decay": 0.02}, keras.optimizers.Adam, None),
    ],
)
def test_optimizers_are_kerass_own(values, kind, decay):
    made = optimizer(Recipe.from_values(values), STEPS)
    assert type(made) is kind
    assert made.weight_decay == decay
    if kind is keras.optimizers.SGD:
        assert made.nesterov
        assert made.momentum == 0.9


def test_label_smoothing_spreads_the_label():
    logits = np.array([[4.0, 0.0, 0.0]], dtype=np.float32)
    labels = np.array([[1.0, 0.0, 0.0]], dtype=np.float32)
    chances = np.exp(logits[0]) / np.exp(logits[0]).sum()
    smoothed = np.array([0.9 + 0.1 / 3, 0.1 / 3, 0.1 / 3])
    value = float(loss(Recipe.from_values({"label_smoothing": 0.1}))(labels, logits))
    assert value == pytest.approx(-(smoothed * np.log(chances)).sum(), rel=1e-4)
    assert float(loss(Recipe.from_values({}))(labels, logits)) == pytest.approx(-math.log(chances[0]), rel=1e-4)
