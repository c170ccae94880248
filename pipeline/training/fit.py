"""Trains one network of the families from its first epoch to its result. Runs in a worker, under any Keras backend."""

from contextlib import suppress
from typing import Any

import keras

from pipeline.architecture import Architecture
from pipeline.recipe import Recipe
from pipeline.study.trial import ReportCallback, TrialResult
from pipeline.training.batches import EndlessBatches, ReadingBatches, TrainingBatches, feed
from pipeline.training.build import build_inference_model, build_training_model
from pipeline.training.evaluation import log_all_metrics
from pipeline.training.first_step import create_state
from pipeline.training.inputs import TrainingInputs
from pipeline.training.memory import forget_models
from pipeline.training.normalisation import compute_normalisation
from pipeline.training.optimizer import make_loss, make_optimizer
from pipeline.training.precision import choose_jit, choose_policy, in_float32
from pipeline.training.reporting_callback import ReportingCallback, TrainingStopped, Weights, save_best_model
from pipeline.training.weight_average import WeightAverage


def train(architecture: Architecture, recipe: Recipe, inputs: TrainingInputs, report: ReportCallback) -> TrialResult:
    """Builds and fits the network, and saves it with the weights of its best epoch.

    ``report`` is called after every epoch and decides how to go on. The score is the best one of the epochs. A loss
    that is not finite, and a score that never is, make the trial a failed one.
    """
    batch_size = min(recipe.batch_size, len(inputs.dataset.train))
    average = WeightAverage(recipe.ema, len(inputs.dataset.train) // batch_size) if recipe.ema else None
    callback = ReportingCallback(inputs.trial, inputs.metric, report, batch_size, average)

    def save_model() -> str:
        return save_best_model(_inference_model(architecture, inputs, callback.best_weights), callback, inputs)

    callback.save_model = save_model
    with forget_models():
        model = _compile(architecture, recipe, inputs)
        with suppress(TrainingStopped):
            _fit(model, recipe, inputs, callback, average)
        return callback.result()


def _compile(architecture: Architecture, recipe: Recipe, inputs: TrainingInputs) -> Any:
    scale, offset = compute_normalisation(inputs.dataset)
    keras.utils.set_random_seed(inputs.trial.seed)
    keras.config.set_dtype_policy(choose_policy(inputs.precision))
    model = build_training_model(architecture, scale=scale, offset=offset)
    images = len(inputs.dataset.train)
    steps = inputs.trial.epochs * (images // min(recipe.batch_size, images))
    model.compile(
        optimizer=make_optimizer(recipe, steps),
        loss=make_loss(recipe),
        metrics=[keras.metrics.CategoricalAccuracy(name="accuracy")],
        jit_compile=choose_jit(),
    )
    create_state(model)
    return model


def _fit(
    model: Any, recipe: Recipe, inputs: TrainingInputs, callback: ReportingCallback, average: WeightAverage | None
) -> None:
    data = inputs.dataset
    classes = len(data.classes)
    training = TrainingBatches(data.images, data.labels, data.train, classes, recipe, inputs.trial.seed)
    validation = feed(ReadingBatches(data.images, data.validation, data.labels, classes))
    log_all_metrics(model, validation, data.labels[data.validation])
    callbacks = [callback] if average is None else [average, callback]
    model.fit(
        feed(EndlessBatches(training)),
        steps_per_epoch=len(training),
        shuffle=False,
        validation_data=validation,
        epochs=inputs.trial.epochs,
        callbacks=callbacks,
        verbose=0,
    )


def _inference_model(architecture: Architecture, inputs: TrainingInputs, weights: Weights) -> Any:
    """The model that users get, in float32 whatever the precision of the training was: it must run anywhere."""
    scale, offset = compute_normalisation(inputs.dataset)
    with in_float32():
        model = build_inference_model(architecture, scale=scale, offset=offset)
    model.set_weights(weights)
    return model
