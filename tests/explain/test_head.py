"""The classification head; its scores and probabilities are tested with Grad-CAM too."""

import keras
import numpy as np

from pipeline.explain.graph import flatten
from pipeline.explain.head import find_head


def test_outputs_that_are_probabilities_already_stay_as_they_are():
    image = keras.Input((2, 2, 1))
    powers = keras.ops.exp(keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(2, 1)(image)))
    model = keras.Model(image, powers / keras.ops.sum(powers, axis=-1, keepdims=True))
    graph, pixels = flatten(model), np.random.default_rng(0).random((3, 2, 2, 1), np.float32)
    probabilities = find_head(graph, 2).probabilities(graph.run(keras.ops.convert_to_tensor(pixels)))
    np.testing.assert_allclose(probabilities, model.predict_on_batch(pixels), rtol=1e-5)


def test_a_model_without_classes_has_no_head():
    image = keras.Input((4, 4, 1))
    model = keras.Model(image, keras.layers.Conv2D(2, 1)(image))
    assert find_head(flatten(model), len(model.output_shape)) is None
