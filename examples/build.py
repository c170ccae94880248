"""A KerasTuner search space as it is; convtune tune --data mnist5k --space examples/build.py:build --trials 10"""

import keras


def build(hp):
    """A small network whose depth, widths and dropout are searched."""
    model = keras.Sequential([keras.Input((28, 28, 1))])
    for block in range(hp.Int("blocks", 1, 3)):
        model.add(keras.layers.Conv2D(hp.Int(f"filters_{block}", 8, 32, step=8), 3, padding="same", activation="relu"))
        model.add(keras.layers.MaxPooling2D())
    model.add(keras.layers.Flatten())
    if hp.Boolean("dropout"):
        model.add(keras.layers.Dropout(0.3))
    model.add(keras.layers.Dense(10, activation="softmax"))
    model.compile(
        optimizer=keras.optimizers.Adam(hp.Float("lr", 1e-4, 1e-2, sampling="log")),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model
