"""The form of a HyperModel's model that users get. In workers."""

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from pipeline.data.decode import Shape
from pipeline.hypermodel.data_form import DataForm, Labels
from pipeline.training.keras_model import are_probabilities, to_array
from pipeline.training.pixels import as_raw_pixels


def build_inference_model(model: Any, shape: Shape, form: DataForm, pixels: NDArray[np.float32]) -> Any:
    """The model that users get: it takes images (n, any, any, channels) and returns probabilities (n, classes).

    It takes pixels as ``as_raw_pixels`` does, resizes to ``shape``, gives the pixels their ``form`` and continues with
    the layers of ``model``. ``pixels`` are some images in that form: a softmax is added unless the outputs for them are
    probabilities. One output for two classes becomes two.
    """
    height, width, channels = shape
    image = keras.Input((None, None, channels), dtype="float32", name="any_image")
    resizing = keras.layers.Resizing(
        height,
        width,
        antialias=True,  # as the training images were resized
        data_format="channels_last",
        dtype="float32",
        name="to_the_shape_trained_with",
    )
    scaling = keras.layers.Rescaling(1 / form.divisor, dtype="float32", name="as_trained_with")
    images = scaling(resizing(as_raw_pixels(image)))
    outputs = model.call(images)  # through call, its layers become layers of the new model
    if form.labels is Labels.BINARY:
        outputs = _two_probabilities(outputs, form.logits)
    elif not are_probabilities(to_array(model.predict(pixels, verbose=0))):
        outputs = keras.layers.Softmax(dtype="float32", name="probabilities")(outputs)
    return keras.Model(image, outputs)


def _two_probabilities(outputs: Any, logits: bool) -> Any:
    if logits:
        outputs = keras.layers.Activation("sigmoid", dtype="float32", name="second_probability")(outputs)
    first = keras.layers.Rescaling(-1.0, 1.0, dtype="float32", name="first_probability")(outputs)
    return keras.layers.Concatenate(dtype="float32", name="probabilities")([first, outputs])
