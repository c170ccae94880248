"""HyperModels for digits, as users write them."""

import keras
import keras_tuner
from keras import layers


def guide(hp):
    """After KerasTuner's guide: no input, sparse labels, a metric."""
    model = keras.Sequential([layers.Flatten()])
    for i in range(hp.Int("num_layers", 1, 3)):
        model.add(layers.Dense(hp.Int(f"units_{i}", 8, 32, step=8), hp.Choice("activation", ["relu", "tanh"])))
    if hp.Boolean("dropout"):
        model.add(layers.Dropout(0.25))
    model.add(layers.Dense(10, "softmax"))
    rate = hp.Float("lr", 1e-4, 1e-2, sampling="log")
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def scopes(hp):
    """Logits, one-hot labels, no metric, a rescaling of its own; conditions and names in scopes."""
    kind = hp.Choice("kind", ["dense", "conv"])
    inputs = keras.Input((8, 8, 1))
    x = layers.Rescaling(1 / 255)(inputs)
    if kind == "dense":
        with hp.conditional_scope("kind", ["dense"]), hp.name_scope("body"):
            x = layers.Dense(hp.Int("units", 8, 64, step=2, sampling="log"))(layers.Flatten()(x))
    with hp.conditional_scope("kind", ["conv"]), hp.name_scope("body"):
        filters = hp.Int("filters", 8, 16, step=8)
        if kind == "conv":
            x = layers.Flatten()(layers.Conv2D(filters, 3, strides=2, activation="relu")(x))
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    model = keras.Model(inputs, layers.Dense(10)(x))
    model.compile(keras.optimizers.Adam(hp.Fixed("lr", 0.01)), loss)
    return model


def whole(hp):
    """Whole numbers in, made parts of 1 by operations."""
    inputs = keras.Input((8, 8, 1), dtype="uint8")
    x = layers.Flatten()(keras.ops.cast(inputs, "float32") / 255)
    model = keras.Model(inputs, layers.Dense(10, "softmax")(layers.Dense(32, "relu")(x)))
    optimizer = keras.optimizers.Adam(hp.Float("lr", 1e-4, 1e-2))
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


class Fits(keras_tuner.HyperModel):
    """A fit of its own, which asks for hyperparameters too."""

    def build(self, hp):
        return guide(hp)

    def fit(self, hp, model, x, y, **kwargs):
        return model.fit(x, y, batch_size=hp.Choice("batch_size", [16, 64]), **kwargs)


class Silent(keras_tuner.HyperModel):
    """A fit that trains nothing."""

    def build(self, hp):
        return guide(hp)

    def fit(self, hp, model, *args, **kwargs):
        return None


class Deaf(keras_tuner.HyperModel):
    """It leaves out the callbacks, validates seldom, and talks."""

    def build(self, hp):
        return guide(hp)

    def fit(self, hp, model, x, y, callbacks, epochs, **kwargs):
        assert (y.dtype, y.ndim) == ("int64", 1)
        return model.fit(x, y, 32, 2, validation_freq=5, **kwargs | {"verbose": 2})


class WarmsUp(keras_tuner.HyperModel):
    """An epoch of its own, another optimizer, then the rest. It reads what the first has given."""

    def build(self, hp):
        return guide(hp)

    def fit(self, hp, model, *args, **kwargs):
        first = model.fit(*args)
        assert len(first.history["val_loss"]) == 1
        model.compile(keras.optimizers.Adam(1e-4), "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model.fit(*args, **kwargs)


class OwnEpochs(keras_tuner.HyperModel):
    """Epochs of its own, beside all that it is given."""

    def build(self, hp):
        return guide(hp)

    def fit(self, hp, model, *args, **kwargs):
        return model.fit(*args, epochs=hp.Int("long", 2, 9), **kwargs)


class Twice(keras_tuner.HyperModel):
    """It trains twice, each time as long as it is asked to."""

    def build(self, hp):
        return guide(hp)

    def fit(self, hp, model, x, y, **kwargs):
        model.fit(x, y, **kwargs)
        return model.fit(x, y, **kwargs)


class Longer(keras_tuner.HyperModel):
    """As long as it likes, unless its loss, which must fall by ``least``, stops it."""

    def build(self, hp):
        return guide(hp)

    def fit(self, hp, model, x, y, callbacks, **kwargs):
        stopping = keras.callbacks.EarlyStopping("loss", min_delta=hp.Choice("least", [0, 1000]))
        return model.fit(x, y, callbacks=[stopping, *callbacks], **kwargs | {"epochs": 6})


class Sized(keras_tuner.HyperModel):
    """Made for the images, as KerasTuner's own are."""

    def __init__(self, input_shape, classes):
        super().__init__()
        self.shape, self.classes = input_shape, classes

    def build(self, hp):
        model = keras.Sequential([keras.Input(self.shape), layers.Flatten(), layers.Dense(self.classes)])
        model.compile(keras.optimizers.SGD(hp.Float("lr", 0.1, 0.9, sampling="reverse_log")), "mse")
        return model


def hits(y_true, y_pred):
    """A metric that is a function: the mean probability of the right class."""
    return keras.ops.sum(y_true * y_pred, axis=-1)


def own_metrics(hp):
    """An L2 regulariser, a metric of its own, and one with a value per class."""
    model = keras.Sequential([keras.Input((8, 8, 1)), layers.Flatten()])
    model.add(layers.Dense(32, "relu", kernel_regularizer=keras.regularizers.L2(1e-3)))
    model.add(layers.Dense(10, "softmax"))
    optimizer = keras.optimizers.Adam(hp.Float("lr", 1e-4, 1e-2))
    model.compile(optimizer, "categorical_crossentropy", metrics=[hits, keras.metrics.F1Score()])
    return model


class Patient(keras_tuner.HyperModel):
    """It stops early, by whatever it is told to monitor; nothing improves by as much as it wants."""

    def build(self, hp):
        return own_metrics(hp)

    def fit(self, hp, model, x, y, callbacks, **kwargs):
        monitor = hp.Choice("monitor", ["val_loss", "val_hits", "val_f1_macro"])
        stopping = keras.callbacks.EarlyStopping(monitor, min_delta=1000, mode="min")
        return model.fit(x, y, callbacks=[stopping, *callbacks], **kwargs)


class Elsewhere(keras_tuner.HyperModel):
    """It validates on images of its own choice: all black."""

    def build(self, hp):
        return guide(hp)

    def fit(self, hp, model, x, y, validation_data, **kwargs):
        images, labels = validation_data
        return model.fit(x, y, validation_data=(images[:50] * 0, labels[:50]), **kwargs)
