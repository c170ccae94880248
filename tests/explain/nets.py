"""Small models whose explanations are known."""

import keras
import numpy as np


def two_spots(head="softmax"):
    """The score of class 0 grows with the red in the image, that of class 1 with the green: (4, 4, 3) floats in."""
    image = keras.Input((4, 4, 3), name="image")
    conv = keras.layers.Conv2D(2, 1, use_bias=False, activation="relu", name="conv")
    mean = keras.layers.GlobalAveragePooling2D(name="mean")(conv(image))
    if head == "one":
        dense = keras.layers.Dense(1, "sigmoid", name="dense")
        output = dense(mean)
        dense.set_weights([np.array([[-16.0], [16.0]]), np.zeros(1)])
    else:
        dense = keras.layers.Dense(2, activation=None if head in ("layer", "scores") else head, name="dense")
        output = dense(mean)
        dense.set_weights([np.eye(2) * 16, np.zeros(2)])
    if head == "layer":
        output = keras.layers.Softmax(name="probabilities")(output)
    conv.set_weights([np.eye(3)[:, :2].reshape(1, 1, 3, 2)])
    return keras.Model(image, output)


def spots():
    """Red above left (twice as much in the corner), green below right: (1, 4, 4, 3)."""
    image = np.zeros((1, 4, 4, 3), np.float32)
    image[0, 0, 0, 0], image[0, 1, 1, 0], image[0, 3, 3, 1] = 1.0, 0.5, 0.75
    return image


def nested():
    """A sequential model in a functional one in a functional one, with a shared layer, a sum and two operations."""
    inside = keras.Input((8, 8, 4))
    shared = keras.layers.Conv2D(4, 3, padding="same", name="shared")
    body = keras.layers.Add(name="sum")([shared(shared(inside)), inside])
    middle = keras.Model(inside, keras.layers.Concatenate(name="both")([body, inside]), name="middle")
    end = keras.Sequential(
        [keras.Input((8, 8, 8)), keras.layers.Conv2D(2, 3, strides=2, name="conv"), keras.layers.ReLU(name="relu")],
        name="end",
    )
    image = keras.Input((8, 8, 1), name="image")
    start = keras.layers.Conv2D(4, 1, name="conv")(image)
    features = end(middle(start * 2.0))
    mean = keras.ops.mean(features, axis=(1, 2))
    return keras.Model(image, keras.layers.Dense(3, "softmax", name="dense")(mean))
