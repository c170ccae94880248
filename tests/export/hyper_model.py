"""A KerasTuner search space as users write them, with the layers and the pixels of published networks."""

import keras
from keras import layers


def build(hp):
    """GELU, grouped, dilated and separable convolutions, norms, attention, a nested model, the pixels of caffe."""
    image = keras.Input((32, 32, 3))
    tensor = keras.applications.resnet50.preprocess_input(image)
    tensor = layers.RandomFlip()(layers.Rescaling(1 / 100)(tensor))
    tensor = layers.SeparableConv2D(hp.Choice("filters", [16, 32]), 3, activation="gelu")(
        layers.Resizing(24, 28)(tensor)
    )
    tensor = layers.Conv2D(32, 3, dilation_rate=2, padding="same", activation="silu", groups=4)(tensor)
    tensor = layers.GroupNormalization(4)(layers.DepthwiseConv2D(3, strides=2, padding="same")(tensor))
    gate = layers.Conv2D(32, 1, activation="sigmoid")(layers.GlobalAveragePooling2D(keepdims=True)(tensor))
    tensor = layers.LayerNormalization()(layers.Multiply()([tensor, gate]))
    tensor = layers.PReLU(shared_axes=[1, 2])(layers.Conv2DTranspose(16, 3, strides=2)(tensor))
    row = layers.Reshape((-1, 16))(layers.AveragePooling2D(4)(tensor))
    row = layers.GlobalMaxPooling1D()(layers.MultiHeadAttention(2, 8)(row, row))
    nested = keras.Sequential([layers.Dense(16, activation="elu"), layers.BatchNormalization()])
    model = keras.Model(image, layers.Dense(5)(nested(row)))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(hp.Float("lr", 1e-4, 1e-2, sampling="log")), loss, metrics=["accuracy"])
    return model
