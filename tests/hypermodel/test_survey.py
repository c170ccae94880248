"""What building models tells about ranges and effects."""

import keras
import keras_tuner
import pytest
from keras import layers

from pipeline.hypermodel import loader
from pipeline.hypermodel.probe import probe_params
from pipeline.hypermodel.source import HyperModelSource
from pipeline.hypermodel.space import describe_survey, make_space
from pipeline.hypermodel.survey import survey
from pipeline.space import Choice, FloatRange, IntRange
from tests.hypermodel.tiny_data import tiny_data

DATA = tiny_data((4, 4, 1), 3)


@pytest.fixture
def source_of(monkeypatch):
    """The source of a function, as if a file held it."""

    def source_of(build):
        source = HyperModelSource("mine.py", build.__name__, DATA.shape, 3)
        monkeypatch.setitem(loader._loaded, source, loader._Function(build))
        return source

    return source_of


def network(*inside):
    model = keras.Sequential([keras.Input(DATA.shape), layers.Flatten(), *inside, layers.Dense(3)])
    model.compile("sgd", "mse")
    return model


def dependent(hp):
    wide = hp.Int("wide", 32, 512, step=32)
    narrow = hp.Int("narrow", 32, wide, step=32)
    rate = hp.Float("rate", 0.0, 0.1 if narrow < 64 else 0.5, step=0.1)
    layer = hp.Choice("layer", ["one"] if wide < 256 else ["one", "two"])
    return network(
        layers.Dense(wide), layers.Dense(narrow), layers.Dropout(rate), layers.Activation("relu", name=layer)
    )


def test_a_range_that_follows_other_values_is_drawn_from_its_widest_and_kept_by_building(source_of):
    source = source_of(dependent)
    found = survey(source, DATA)
    domains = {searched.name: searched.domain for searched in make_space(source, found.listed).searched}
    assert domains["narrow"] == IntRange(32, 512, 32)
    assert domains["rate"] == FloatRange(0.0, 0.5, 0.1)
    assert domains["layer"] == Choice(("one", "two"))
    notes, warnings = describe_survey(source, found)
    assert "the ranges of narrow, rate, layer follow other values" in notes[1]
    assert warnings == []
    fits = {"wide": 64, "narrow": 64, "rate": 0.5, "layer": "one"}
    assert probe_params(source, DATA, fits).parameters
    beside = probe_params(source, DATA, fits | {"narrow": 96})
    assert (beside.parameters, beside.kind) == (None, "narrow outside its range")
    assert beside.reason == "narrow=96 is outside its range beside the other values, 32 to 64 in steps of 32"
    assert probe_params(source, DATA, fits | {"layer": "two"}).parameters is None


def without_effect(hp):
    hp.Int("epochs", 5, 50)
    hp.Float("momentum", 0.1, 0.9)
    hp.Int("batch_size", 4, 16, step=4)
    units = [hp.Int(f"units_{number}", 4, 12) for number in range(2)]
    return network(*map(layers.Dense, units[: hp.Int("depth", 1, 2)]))


def test_what_changes_nothing_is_named_and_a_batch_size_is_one(source_of):
    source = source_of(without_effect)
    found = survey(source, DATA)
    assert found.idle == ("epochs", "momentum")
    assert describe_survey(source, found)[1] == [
        "mine.py:without_effect: epochs, momentum had no effect on the models tried, their compilation or their"
        " training; --epochs sets the epochs"
    ]
    assert probe_params(source, DATA, {"batch_size": 4}).key != probe_params(source, DATA, {"batch_size": 8}).key
    assert "batch_size: expected a whole number" in probe_params(source, DATA, {"batch_size": 0}).reason


def by_condition(hp):
    """The size alone makes the models differ, and its range follows the kind."""
    kind = hp.Choice("kind", ["small", "large"])
    with hp.conditional_scope("kind", ["small"]):
        small = hp.Int("units", 2, 4)
    with hp.conditional_scope("kind", ["large"]):
        large = hp.Int("units", 8, 12)
    return network(layers.Dense(small if kind == "small" else large))


def test_what_decides_on_the_range_of_another_has_an_effect(source_of):
    source = source_of(by_condition)
    found = survey(source, DATA)
    assert found.idle == ()
    assert make_space(source, found.listed).searched[1].domain == IntRange(2, 12)
    assert probe_params(source, DATA, {"kind": "large", "units": 3}).kind == "units outside its range"
    assert probe_params(source, DATA, {"kind": "large", "units": 8}).parameters


def normalized(hp):
    before = [layers.Normalization(name="unknowing")] if hp.Boolean("normalize") else []
    return network(*before, layers.Dense(hp.Int("units", 2, 3)))


def test_a_normalization_that_changes_nothing_is_warned_of(source_of):
    source = source_of(normalized)
    assert describe_survey(source, survey(source, DATA))[1] == [
        "mine.py:normalized: its layer unknowing has no statistics, so it changes nothing: adapt that Normalization to"
        " images, or give it mean and variance"
    ]


class Passes(keras_tuner.HyperModel):
    """Gives model.fit all that it is given."""

    def build(self, hp):
        return network(layers.Dense(hp.Int("units", 2, 3)))

    def fit(self, hp, model, *args, **kwargs):
        return model.fit(*args, **kwargs)


class Lists(Passes):
    def fit(self, hp, model, x, y, validation_data, callbacks):
        return model.fit(x, y, validation_data=validation_data, callbacks=callbacks)


class HasItsOwn(Passes):
    def fit(self, hp, model, x, y, **kwargs):
        return model.fit(x, y, class_weight={0: 1.0, 1: 2.0, 2: 3.0}, **kwargs)


@pytest.mark.parametrize(
    ("hypermodel", "class_weight", "ignored"),
    [
        (Passes, "balanced", False),
        (Lists, "balanced", True),
        (HasItsOwn, "balanced", True),
        (Lists, "none", False),
        (HasItsOwn, "none", False),
        (None, "balanced", False),  # without a fit of its own, convtune weighs the images itself
    ],
)
def test_a_fit_that_does_not_pass_class_weights_on_is_warned_of(monkeypatch, hypermodel, class_weight, ignored):
    source = HyperModelSource("mine.py", "Mine", DATA.shape, 3, class_weight=class_weight)
    monkeypatch.setitem(loader._loaded, source, hypermodel() if hypermodel else loader._Function(normalized))
    warnings = [line for line in describe_survey(source, survey(source, DATA))[1] if "class-weight" in line]
    told = (
        "mine.py:Mine: --class-weight balanced is ignored, since its fit() does not give it to model.fit; "
        "let fit() take class_weight, or **kwargs, and pass it on"
    )
    assert warnings == [told] * ignored
