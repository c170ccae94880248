"""Trains one model of a HyperModel: its own optimizer, loss, metrics and fit, on this project's data. In workers."""

from contextlib import suppress
from dataclasses import replace
from typing import Any

import keras
import numpy as np

from pipeline.hypermodel.call_fit import class_weights, has_own_fit
from pipeline.hypermodel.data_form import FormedBatches, data_form
from pipeline.hypermodel.followed_fit import FollowedFit, call_followed, prepare_fit
from pipeline.hypermodel.inference_model import build_inference_model
from pipeline.hypermodel.loader import batch_size, build_model, hyperparameters_with, load, own_policy
from pipeline.hypermodel.source import HyperModelSource
from pipeline.recipe import Recipe
from pipeline.study.trial import ReportCallback, TrialResult
from pipeline.training.batches import EndlessBatches, ReadingBatches, TrainingBatches, feed
from pipeline.training.evaluation import log_all_metrics
from pipeline.training.inputs import TrainingInputs
from pipeline.training.memory import forget_models
from pipeline.training.precision import in_float32
from pipeline.training.reporting_callback import ReportingCallback, TrainingStopped, Weights, save_best_model

_SAMPLE = 32
"""The number of images that show whether a model's outputs are probabilities."""


def chosen_batch_size(source: HyperModelSource, inputs: TrainingInputs) -> int | None:
    """The batch size that the params ask for, at most all images; None for a HyperModel with its own ``fit``."""
    if has_own_fit(load(source)):
        return None
    return min(batch_size(hyperparameters_with(inputs.trial.params)), len(inputs.dataset.train))


def train(
    source: HyperModelSource, inputs: TrainingInputs, report: ReportCallback, size: int | None = None
) -> TrialResult:
    """Builds and fits the model as its HyperModel says, and saves it with the weights of its best epoch.

    See ``pipeline.training.fit.train``. The precision ``auto`` leaves the dtype policy to the HyperModel: it is float32
    where that sets none, on GPUs too. ``size`` is another batch size than the params ask for.
    """
    callback = ReportingCallback(inputs.trial, inputs.metric, report)
    with forget_models():
        hp = hyperparameters_with(inputs.trial.params)
        model = _build(source, inputs, hp)

        def save_model() -> str:
            return save_best_model(_inference_model(model, source, inputs, callback.best_weights), callback, inputs)

        callback.save_model = save_model
        with suppress(TrainingStopped):
            _fit(model, hp, source, inputs, callback, size or batch_size(hp))
        return callback.result()


def _build(source: HyperModelSource, inputs: TrainingInputs, hp: Any) -> Any:
    keras.utils.set_random_seed(inputs.trial.seed)
    load(source)  # its import may set a dtype policy
    keras.config.set_dtype_policy(own_policy(source) if inputs.precision == "auto" else inputs.precision)
    return build_model(source, hp)


def _fit(
    model: Any, hp: Any, source: HyperModelSource, inputs: TrainingInputs, callback: ReportingCallback, size: int
) -> None:
    """Trains the model that was built with ``hp``: ``fit`` asks for hyperparameters beside those of ``build``."""
    hypermodel = load(source)
    data, form = inputs.dataset, data_form(model, inputs.dataset, source.pixels)
    validation = feed(FormedBatches(ReadingBatches(data.images, data.validation, data.labels, form.classes), form))
    log_all_metrics(model, validation, data.labels[data.validation], form.probabilities)
    settings = {"epochs": inputs.trial.epochs, "callbacks": [callback], "verbose": 0}
    if has_own_fit(hypermodel):  # it expects images and labels, and a pair of them for the validation
        followed = FollowedFit(model, callback, inputs.trial.epochs, validation)
        if weights := class_weights(source, data):
            settings["class_weight"] = weights
        call_followed(followed, hypermodel, hp, data, form, settings)
    else:
        prepare_fit(model, form.form_labels(np.eye(form.classes, dtype=np.float32)[:1]))
        callback.batch_size = size
        recipe = replace(Recipe.from_params({}), batch_size=size, class_weight=source.class_weight)
        training = TrainingBatches(data.images, data.labels, data.train, form.classes, recipe, inputs.trial.seed)
        images = feed(EndlessBatches(FormedBatches(training, form)))
        steps = {"steps_per_epoch": len(training), "shuffle": False}
        hypermodel.fit(hp, model, images, validation_data=validation, **steps, **settings)


def _inference_model(model: Any, source: HyperModelSource, inputs: TrainingInputs, weights: Weights) -> Any:
    """The model that users get, in float32 whatever the precision of the training was: it must run anywhere.

    A model that was trained in float32 is used as it is, since building it anew takes seconds for deep networks.
    """
    if keras.config.dtype_policy().name != "float32":
        with in_float32():
            model = build_model(source, hyperparameters_with(inputs.trial.params))
    model.set_weights(weights)
    data = inputs.dataset
    form = data_form(model, data, source.pixels)
    sample = form.form_images(data.images[data.validation[:_SAMPLE]])
    return build_inference_model(model, data.shape, form, sample)
