"""One peer in a process of its own: searches the space of ``build`` as the peer's own guide shows, until time is up.

    python bench/contenders/peer.py kt-bayes --data subset.npz --seed 0 --seconds 600 --epochs 12

Its last line is a JSON object: the curve of best validation accuracies over the seconds since ``--began`` (Unix time),
the test accuracy of the best model when the time is up and when half of it is, trials begun and epochs finished.
Nothing is set that a guide leaves alone: TensorFlow takes the cores that it finds, a model trains by ``model.fit``.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras import layers

BATCH = 128
SHAPE, CLASSES = (32, 32, 3), 10
_MANY = 100_000
"""More trials, or brackets, than any time allows."""

Fit = Callable[..., Any]


def build(hp: Any) -> keras.Model:
    """A plain CNN: up to four times [conv -> batch norm -> ReLU -> pool], then up to two dense layers and dropout."""
    model = keras.Sequential([keras.Input(SHAPE)])
    for block in range(hp.Int("blocks", 1, 4)):
        filters = hp.Choice(f"filters_{block}", [16, 32, 64])
        kernel = hp.Choice(f"kernel_{block}", [3, 5])
        model.add(layers.Conv2D(filters, kernel, strides=hp.Choice(f"stride_{block}", [1, 2]), padding="same"))
        if hp.Boolean("batch_norm"):
            model.add(layers.BatchNormalization())
        model.add(layers.ReLU())
        model.add(layers.MaxPooling2D(2, padding="same"))
    model.add(layers.Flatten())
    for layer in range(hp.Int("fc_layers", 0, 2)):
        model.add(layers.Dense(hp.Choice(f"fc_{layer}", [64, 128, 256, 512]), activation="relu"))
    model.add(layers.Dropout(hp.Float("dropout", 0.0, 0.5, step=0.1)))
    model.add(layers.Dense(CLASSES))
    rate = hp.Float("learning_rate", 1e-4, 1e-1, sampling="log")
    adam = hp.Choice("optimizer", ["adam", "sgd"]) == "adam"
    model.compile(
        optimizer=keras.optimizers.Adam(rate) if adam else keras.optimizers.SGD(rate, momentum=0.9),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


class TimeUp(BaseException):
    """Ends the search. KerasTuner would take an Exception for a failed trial, and begin the next one."""


class Clock(keras.callbacks.Callback):
    """Counts trials and epochs, keeps each new best model in memory, and raises ``TimeUp`` after a batch."""

    def __init__(self, began: float, seconds: float) -> None:
        super().__init__()
        self._began, self._seconds = began, seconds
        self.trials = self.epochs = 0
        self.curve: list[tuple[float, float]] = []
        self.best: dict[str, tuple[str, list[Any]]] = {}

    def __deepcopy__(self, memo: Any) -> "Clock":
        return self  # KerasTuner copies the callbacks for each trial

    def elapsed(self) -> float:
        """Seconds since the process began."""
        return time.time() - self._began

    def on_train_begin(self, logs: Any = None) -> None:
        """Called by Keras."""
        self.trials += 1

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Called by Keras."""
        if self.elapsed() > self._seconds:
            raise TimeUp

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Called by Keras, after the validation."""
        now, accuracy = self.elapsed(), float(logs["val_accuracy"])
        if now > self._seconds:
            raise TimeUp
        self.epochs += 1
        if not self.curve or accuracy > self.curve[-1][1]:
            self.curve.append((round(now, 2), round(accuracy, 4)))
            model = self.model.to_json(), self.model.get_weights()
            self.best |= {"end": model} | ({"half": model} if now <= self._seconds / 2 else {})


def search_with_keras_tuner(name: str, fit: dict[str, Any], clock: Clock, seed: int, epochs: int, folder: str) -> None:
    """KerasTuner's "Getting started": a tuner over ``build``, then ``search`` with the arguments of ``fit``."""
    import keras_tuner

    settings: dict[str, Any] = {
        "hypermodel": build,
        "objective": "val_accuracy",
        "directory": folder,
        "project_name": "peer",
        "seed": seed,
    }
    if name == "kt-hyperband":
        tuner = keras_tuner.Hyperband(max_epochs=epochs, hyperband_iterations=_MANY, **settings)
        tuner.search(**fit, callbacks=[clock])
        return
    kind = {"kt-random": keras_tuner.RandomSearch, "kt-bayes": keras_tuner.BayesianOptimization}[name]
    kind(max_trials=_MANY, **settings).search(**fit, epochs=epochs, callbacks=[clock])


class SuggestedHp:
    """Optuna's answers to the questions of ``build``."""

    def __init__(self, trial: Any) -> None:
        self._trial = trial

    def Int(self, name: str, low: int, high: int) -> Any:
        """A whole number."""
        return self._trial.suggest_int(name, low, high)

    def Float(self, name: str, low: float, high: float, step: float | None = None, sampling: str = "linear") -> Any:
        """A number."""
        return self._trial.suggest_float(name, low, high, step=step, log=sampling == "log")

    def Choice(self, name: str, values: list[Any]) -> Any:
        """One of the values."""
        return self._trial.suggest_categorical(name, values)

    def Boolean(self, name: str) -> Any:
        """False or True."""
        return self._trial.suggest_categorical(name, [False, True])


def search_with_optuna(fit: dict[str, Any], clock: Clock, seed: int, epochs: int) -> None:
    """The loop of Optuna's Keras examples, with their ``MedianPruner`` asked after each epoch and the default TPE."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)

    class Pruning(keras.callbacks.Callback):
        def __init__(self, trial: optuna.Trial) -> None:
            super().__init__()
            self._trial = trial

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self._trial.report(float(logs["val_accuracy"]), epoch)
            if self._trial.should_prune():
                raise optuna.TrialPruned

    def objective(trial: optuna.Trial) -> float:
        keras.backend.clear_session()
        history = build(SuggestedHp(trial)).fit(**fit, epochs=epochs, callbacks=[clock, Pruning(trial)])
        return max(history.history["val_accuracy"])

    sampler, pruner = optuna.samplers.TPESampler(seed=seed), optuna.pruners.MedianPruner()
    optuna.create_study(direction="maximize", sampler=sampler, pruner=pruner).optimize(objective, n_trials=_MANY)


def test_accuracy(model: tuple[str, list[Any]] | None, images: Any, labels: Any) -> float | None:
    """The share of the test images that a model of ``Clock.best`` gets right; None without a model."""
    if model is None:
        return None
    restored = keras.models.model_from_json(model[0])
    restored.set_weights(model[1])
    return round(float((restored.predict(images, verbose=0, batch_size=256).argmax(1) == labels).mean()), 4)


def main() -> None:
    """Parses the arguments, searches, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=["kt-random", "kt-bayes", "kt-hyperband", "optuna"])
    parser.add_argument("--data", required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--began", type=float, default=time.time())
    args = parser.parse_args()
    data = np.load(args.data)
    images = {split: data[f"x_{split}"].astype("float32") / 255 for split in ("train", "val", "test")}
    labels = {split: data[f"y_{split}"].astype("int32") for split in ("train", "val", "test")}
    clock = Clock(args.began, args.seconds)
    fit = {
        "x": images["train"],
        "y": labels["train"],
        "validation_data": (images["val"], labels["val"]),
        "batch_size": BATCH,
        "verbose": 0,
    }
    keras.utils.set_random_seed(args.seed)
    with tempfile.TemporaryDirectory() as folder:
        try:
            if args.name == "optuna":
                search_with_optuna(fit, clock, args.seed, args.epochs)
            else:
                search_with_keras_tuner(args.name, fit, clock, args.seed, args.epochs, folder)
        except TimeUp:
            pass
    result = {
        "curve": clock.curve,
        "search_seconds": round(clock.elapsed(), 1),
        "trials": clock.trials,
        "epochs": clock.epochs,
        "test": test_accuracy(clock.best.get("end"), images["test"], labels["test"]),
        "test_half": test_accuracy(clock.best.get("half"), images["test"], labels["test"]),
    }
    print("\n" + json.dumps(result))


if __name__ == "__main__":
    main()
