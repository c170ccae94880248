from functools import partial

import keras_tuner
import pytest
from keras.src.applications.efficientnet import EfficientNet
from keras_tuner.src.applications import efficientnet, resnet

from pipeline.hypermodel.probe import inspect_source, probe_params
from pipeline.hypermodel.source import HyperModelInfo, HyperModelSource
from pipeline.hypermodel.survey import survey
from tests.hypermodel.test_fit import FILE
from tests.hypermodel.tiny_data import tiny_data


def list_by_name(module, attribute, shape=(8, 8, 1)):
    found = survey(HyperModelSource(module, attribute, shape, 10), tiny_data(shape))
    assert found.idle == ()
    return {hyperparameter.name: hyperparameter for hyperparameter in found.listed}


def build(attribute, params, shape=(8, 8, 1)):
    return probe_params(HyperModelSource(FILE, attribute, shape, 10), tiny_data(shape), params)


def test_what_a_loop_asks_for_is_found_though_the_default_asks_for_less():
    hyperparameters = list_by_name(FILE, "guide")
    assert list(hyperparameters)[:2] == ["num_layers", "units_0"]
    assert set(hyperparameters) == {"num_layers", "units_0", "units_1", "units_2", "activation", "dropout", "lr"}
    assert hyperparameters["dropout"].options == (True, False)
    assert (hyperparameters["lr"].log, hyperparameters["lr"].low, hyperparameters["lr"].step) == (True, 1e-4, None)


def test_every_scope_is_visited_and_names_and_conditions_are_kerastuners():
    hyperparameters = list_by_name(FILE, "scopes")
    assert hyperparameters["body/units"].options == (8, 16, 32, 64)
    assert hyperparameters["body/units"].when == (("kind", ("dense",)),)
    assert hyperparameters["body/filters"].when == (("kind", ("conv",)),)
    assert (hyperparameters["lr"].kind, hyperparameters["lr"].default) == ("fixed", 0.01)


def test_a_fit_of_its_own_is_asked_too_and_its_values_tell_candidates_apart():
    assert list_by_name(FILE, "Fits")["batch_size"].options == (16, 64)
    assert build("Fits", {"batch_size": 16}).key != build("Fits", {"batch_size": 64}).key


def test_a_class_is_made_for_the_images():
    assert inspect_source(HyperModelSource(FILE, "Sized")) == HyperModelInfo(FILE, None)
    assert inspect_source(HyperModelSource(FILE, "scopes")).shape == (8, 8, 1)
    assert list_by_name(FILE, "Sized", (5, 4, 3))["lr"].note
    assert build("Sized", {}, (5, 4, 3)).parameters == 60 * 10 + 10


@pytest.fixture
def shallow(monkeypatch):
    """KerasTuner's own with short stacks, since 100 layers take seconds to build; weights would come from the net."""
    monkeypatch.setattr("pipeline.hypermodel.survey._SECONDS", 0.0)  # nor are effects looked for
    for stack in ("stack1", "stack2", "stack3"):
        deep = getattr(resnet, stack)
        monkeypatch.setattr(resnet, stack, lambda x, filters, blocks, deep=deep, **more: deep(x, filters, 2, **more))
    small = partial(EfficientNet, 0.1, 0.1, 224, weights=None)
    monkeypatch.setattr(efficientnet, "EFFICIENTNET_MODELS", dict.fromkeys(efficientnet.EFFICIENTNET_MODELS, small))


@pytest.mark.parametrize("name", ["HyperResNet", "HyperXception", "HyperEfficientNet"])
def test_kerastuners_own_are_read_unchanged(name, shallow):
    own = getattr(keras_tuner.applications, name)(input_shape=(16, 16, 3), classes=10)
    own.build(hp := keras_tuner.HyperParameters())
    hyperparameters = list_by_name("keras_tuner.applications", name, (16, 16, 3))
    assert set(hyperparameters) == {one.name for one in hp.space}
    assert {one.default for one in hyperparameters.values()} == {one.default for one in hp.space}


def test_values_that_are_not_used_do_not_tell_models_apart():
    changes = {}, {"units_2": 16}, {"units_0": 16}
    one, same, other = (build("guide", {"num_layers": 1, **change}) for change in changes)
    assert one.key == same.key != other.key
    assert (one.parameters, one.macs) == (64 * 8 + 8 + 8 * 10 + 10, 64 * 8 + 8 * 10)
