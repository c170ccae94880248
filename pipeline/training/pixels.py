"""How a saved model takes pixels that others feed to it: 0..255, or 0..1 as many programs have them."""

from typing import Any

import keras
from keras import ops

NAME = "pixels_0_to_255"
"""The name of the nested model, which is the first layer of every model that users get."""

_MOST = 1.25
"""The highest pixel of an image in 0..1; a resizing filter gives a little more than 1."""


def as_raw_pixels(images: Any) -> Any:
    """The symbolic tensor of ``images``, float32 (n, height, width, channels), with pixels from 0 to 255.

    An image that has fractions and ends at 1 is in 0..1, and is multiplied by 255. Each image counts by itself, so it
    does not matter which others are in the batch. Whole numbers stay as they are: a dark picture stays dark. Other
    scales, such as -1..1, are not noticed.
    """
    image = keras.Input(images.shape[1:], dtype="float32", name="pixels")
    high = ops.max(image, axis=(1, 2, 3), keepdims=True)
    fraction = ops.max(image - ops.floor(image), axis=(1, 2, 3), keepdims=True)
    scale = ops.where(ops.logical_and(fraction > 0, high <= _MOST), 255.0, 1.0)
    return keras.Model(image, image * scale, name=NAME)(images)
