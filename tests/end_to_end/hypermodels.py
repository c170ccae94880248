"""HyperModels for two classes of 32x32 pictures in colour, after the kinds that KerasTuner's guides show."""

import keras
import keras_tuner
import numpy as np
import tensorflow as tf
from keras import applications, layers, losses

SHAPE = (32, 32, 3)


NETS = {
    "MobileNet": lambda: applications.MobileNet(SHAPE, alpha=0.25, include_top=False, weights=None),
    "MobileNetV3Small": lambda: applications.MobileNetV3Small(SHAPE, alpha=0.75, include_top=False, weights=None),
}


def application(hp):
    """A network of keras.applications, with a head."""
    inputs = keras.Input(SHAPE)
    x = layers.GlobalAveragePooling2D()(NETS[hp.Choice("net", list(NETS))]()(inputs))
    model = keras.Model(inputs, layers.Dense(2, activation="softmax")(x))
    # eagerly, since tracing takes longer than these few images
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"], run_eagerly=True)
    return model


def variant(hp):
    """A small network in one of many variants."""
    kind = hp.Choice("kind", list(VARIANTS))
    hp.Fixed("batch_size", 32)
    settings = VARIANTS[kind]
    inputs = keras.Input(SHAPE)
    x = inputs
    for make in settings.get("before", ()):
        x = make()(x) if isinstance(make, type) else make(x)
    x = layers.Conv2D(4, 3, strides=2, activation=tf.nn.relu)(x)
    with hp.conditional_scope("kind", ["softmax of TensorFlow"]):
        rate = hp.Float("rate", 0.1, 0.4, step=0.1)
    x = layers.Dropout(rate or 0.2)(layers.Flatten()(x))
    outputs = layers.Dense(settings["units"], activation=settings["activation"])(x)
    model = settings.get("kind", keras.Model)(inputs, outputs)
    model.compile(keras.optimizers.Adam(0.01), settings["loss"], metrics=settings.get("metrics"), run_eagerly=True)
    return model


class OwnStep(keras.Model):
    """A training step of its own."""

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            outputs = self(x, training=True)
            loss = self.compute_loss(y=y, y_pred=outputs)
        self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
        for metric in self.metrics:
            metric.update_state(*([loss] if metric.name == "loss" else [y, outputs]))
        return {metric.name: metric.result() for metric in self.metrics}


SOFTMAX = {"units": 2, "activation": "softmax", "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]}
SIGMOID = {"units": 1, "activation": "sigmoid", "loss": "binary_crossentropy", "metrics": ["accuracy"]}
LOGIT = {"units": 1, "activation": None, "loss": losses.BinaryCrossentropy(from_logits=True)}
VARIANTS = {
    "softmax of TensorFlow": SOFTMAX | {"activation": tf.nn.softmax},
    "one sigmoid": SIGMOID | {"metrics": ["accuracy", keras.metrics.AUC(name="area"), keras.metrics.Precision()]},
    "one logit": LOGIT,
    "one-hot labels": SOFTMAX | {"loss": losses.CategoricalCrossentropy(label_smoothing=0.1)},
    "logits": SOFTMAX | {"activation": None, "loss": losses.SparseCategoricalCrossentropy(from_logits=True)},
    "preprocess_input": SOFTMAX | {"before": [applications.resnet50.preprocess_input]},
    "a step of its own": SOFTMAX | {"kind": OwnStep},
}


class Fits(keras_tuner.HyperModel):
    """One of many ways to fit."""

    def build(self, hp):
        model = keras.Sequential([keras.Input(SHAPE), layers.Conv2D(4, 3, activation="relu"), layers.Flatten()])
        model.add(layers.Dense(2, activation="softmax"))
        one_hot = hp.Choice("way", WAYS) == "one-hot"
        loss = "categorical_crossentropy" if one_hot else "sparse_categorical_crossentropy"
        model.compile("adam", loss, metrics=["accuracy"], run_eagerly=True)
        return model

    def fit(self, hp, model, x, y, validation_data, callbacks, **kwargs):
        """``y`` are class numbers wherever the loss takes them, and where this makes them one-hot."""
        given = {"validation_data": validation_data, "callbacks": callbacks, **kwargs}
        with hp.conditional_scope("way", ["batches"]):
            size = hp.Choice("batch_size", [16, 32])
        match hp.get("way"):
            case "batches":
                return model.fit(x, y, batch_size=size, shuffle=True, **given)
            case "class weights":
                zeros, ones = np.bincount(y)
                return model.fit(x, y, class_weight={0: len(y) / zeros, 1: len(y) / ones}, **given)
            case "one-hot":
                return model.fit(x, keras.utils.to_categorical(y), **given)
            case "its own images":
                batches = tf.data.Dataset.from_tensor_slices((x, y)).batch(16)
                return model.fit(batches, validation_data=batches, epochs=50, callbacks=list(callbacks))
            case "nothing passed on":
                history = model.fit(x, y, validation_split=0.5, epochs=50, verbose=2)
                return max(history.history["val_accuracy"])


WAYS = ["batches", "class weights", "one-hot", "its own images", "nothing passed on"]
