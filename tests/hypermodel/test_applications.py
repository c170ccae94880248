"""Networks of ``keras.applications`` of every kind, as people put them into a HyperModel."""

import keras
import numpy as np
import pytest
from keras import applications, layers

from pipeline.hypermodel import loader
from pipeline.hypermodel.data_form import data_form, pixel_form
from pipeline.hypermodel.inference_model import build_inference_model
from pipeline.hypermodel.probe import probe_params
from pipeline.hypermodel.source import HyperModelSource
from pipeline.hypermodel.task import HyperModelTask
from pipeline.metrics import ACCURACY
from pipeline.study.model_metadata import ModelMetadata
from pipeline.study.trial import Decision, Trial, TrialState
from pipeline.training.inputs import TrainingInputs
from tests.hypermodel.tiny_data import tiny_data

DATA = tiny_data((32, 32, 3), 2)
NETS = {
    "MobileNetV3Small": "0..255",
    "ResNet50V2": "0..1",
    "EfficientNetB0": "0..255",
    "VGG16": "0..1",
    "DenseNet121": "0..1",
    "ConvNeXtTiny": "0..255",
}
"""Each with the range of pixels that it is written for, unless its ``preprocess_input`` comes before it."""


def application(hp):
    network = getattr(applications, hp.Choice("net", list(NETS)))
    x = network(include_top=False, weights=None, input_shape=DATA.shape, pooling="avg")
    model = keras.Model(x.inputs, layers.Dense(2, activation="softmax")(x.outputs[0]))
    # eagerly, since tracing takes longer than these few images
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"], run_eagerly=True)
    return model


@pytest.fixture(scope="module")
def models():
    """Each model is built once, as that takes a second."""
    return {}


@pytest.fixture
def source(monkeypatch, models):
    """The source of the function above, as if a file held it."""
    source = HyperModelSource("mine.py", "application", DATA.shape, 2)

    def build(hp):
        name = hp.Choice("net", list(NETS))
        return models[name] if name in models else models.setdefault(name, application(hp))

    monkeypatch.setitem(loader._loaded, source, loader._Function(build))
    monkeypatch.setattr(loader, "_import_module", lambda source: None)
    monkeypatch.setitem(loader._policies, source.module, keras.config.dtype_policy())
    return source


@pytest.mark.parametrize("net", NETS)
def test_it_is_built_judged_and_made_a_model_for_raw_images(source, net):
    built = probe_params(source, DATA, {"net": net})
    assert built.reason == ""
    assert min(built.parameters, built.macs) > 900_000
    model = loader.build_model(source, loader.hyperparameters_with({"net": net}))
    assert pixel_form(model, DATA.shape).range == NETS[net]
    form = data_form(model, DATA)
    final = build_inference_model(model, DATA.shape, form, form.form_images(DATA.images[:2]))
    probabilities = np.asarray(final(np.full((2, 40, 50, 3), 200, np.uint8)))
    assert probabilities.sum(axis=1) == pytest.approx(1.0, abs=1e-5)


def test_one_is_trained_and_saved(source, tmp_path):
    metadata = ModelMetadata(DATA.classes, DATA.shape, DATA.name, DATA.digest, 0, "a-study", 2)
    trial = Trial(2, {"net": "MobileNetV3Small"}, 0, 1)
    inputs = TrainingInputs(trial, DATA, ACCURACY, "auto", tmp_path / "model.keras", metadata)
    result = HyperModelTask(inputs, source).run(lambda report: Decision.CONTINUE)
    assert (result.state, result.epochs) == (TrialState.COMPLETE, 1)
    assert inputs.model_file.exists()
