"""The calibration, without waiting for all of it."""

import keras
import numpy as np
import pytest

from pipeline.latency.calibrate import build_networks, calibrate, fit_weights
from pipeline.latency.model import FEATURES, count_features


def rows():
    return np.array([[count_features(architecture)[name] for name in FEATURES] for architecture in build_networks()])


def test_the_networks_tell_each_feature_from_the_others():
    scaled = rows() / rows().max(axis=0)
    assert np.linalg.matrix_rank(scaled, tol=1e-3) == len(FEATURES)


def test_no_network_takes_long_on_a_slow_machine():
    assert max(architecture.macs for architecture in build_networks()) < 300e6
    assert max(len(architecture.layers) for architecture in build_networks()) < 50


def test_weights_that_made_the_times_are_found_again():
    weights = np.random.default_rng(0).uniform(0.5, 2, len(FEATURES)) / rows().mean(axis=0)
    assert fit_weights(rows(), rows() @ weights) == pytest.approx(weights, rel=1e-4)


def test_no_weight_is_negative_and_short_times_count_as_much_as_long_ones():
    weights = fit_weights(np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]]), np.array([4.0, 2.0, 1.0]))
    assert (weights >= 0).all()
    assert weights[1] == 0
    assert 1 < weights[0] < 2, "the least squares of the times themselves would be at 7 / 3"


def test_the_model_knows_where_it_was_measured(monkeypatch):
    few = build_networks()[:3]
    monkeypatch.setattr("pipeline.latency.calibrate.build_networks", lambda: few)
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = calibrate()
        assert keras.config.dtype_policy().name == "float32"
    finally:
        keras.config.set_dtype_policy("float32")
    assert (model.device, model.backend) == ("cpu", keras.backend.backend())
    assert all(model.predict(architecture) > 0 for architecture in build_networks())
