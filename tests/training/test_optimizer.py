import math

import keras
import numpy as np
import pytest
from keras import ops

from pipeline.recipe import Recipe
from pipeline.training.optimizer import Schedule, make_loss, make_optimizer

STEPS = 1000


def rates(**params):
    schedule = Schedule(Recipe.from_params({"learning_rate": 0.1, **params}), STEPS)
    return np.array([float(ops.convert_to_numpy(schedule(step))) for step in range(0, STEPS, 10)])


def test_constant_is_constant():
    assert rates() == pytest.approx(0.1)


def test_warmup_rises_in_a_line_from_nearly_zero():
    warming = rates(warmup=0.2)
    assert warming[0] == pytest.approx(0.1 / 200, rel=1e-3)
    assert np.diff(warming[:20]) == pytest.approx(0.1 / 20, rel=1e-2)
    assert warming[20:] == pytest.approx(0.1)


def test_cosine_falls_from_the_peak_to_zero():
    falling = rates(schedule="cosine")
    expected = 0.05 * (1 + np.cos(np.pi * np.arange(0, STEPS, 10) / STEPS))
    assert falling == pytest.approx(expected, abs=1e-6)


def test_one_cycle_starts_low_peaks_at_its_rise_and_ends_at_zero():
    cycle = rates(schedule="one_cycle")
    assert cycle[0] == pytest.approx(0.1 / 25, rel=0.1)
    assert cycle.argmax() in (29, 30)
    assert cycle.max() == pytest.approx(0.1, rel=1e-2)
    assert cycle[-1] < 1e-3


@pytest.mark.parametrize(
    ("params", "kind", "decay"),
    [
        ({"optimizer": "sgd", "weight_decay": 0.01}, keras.optimizers.SGD, 0.01),
        ({"optimizer": "adamw", "weight_decay": 0.02}, keras.optimizers.AdamW, 0.02),
        ({"optimizer": "adam", "weight_decay": 0.02}, keras.optimizers.Adam, None),
    ],
)
def test_optimizers_are_kerass_own(params, kind, decay):
    optimizer = make_optimizer(Recipe.from_params(params), STEPS)
    assert type(optimizer) is kind
    assert optimizer.weight_decay == decay
    if kind is keras.optimizers.SGD:
        assert optimizer.nesterov
        assert optimizer.momentum == 0.9


def test_label_smoothing_spreads_the_label():
    logits = np.array([[4.0, 0.0, 0.0]], dtype=np.float32)
    labels = np.array([[1.0, 0.0, 0.0]], dtype=np.float32)
    chances = np.exp(logits[0]) / np.exp(logits[0]).sum()
    smoothed = np.array([0.9 + 0.1 / 3, 0.1 / 3, 0.1 / 3])
    value = float(make_loss(Recipe.from_params({"label_smoothing": 0.1}))(labels, logits))
    assert value == pytest.approx(-(smoothed * np.log(chances)).sum(), rel=1e-4)
    assert float(make_loss(Recipe.from_params({}))(labels, logits)) == pytest.approx(-math.log(chances[0]), rel=1e-4)
