"""The explanation of one image, and the first filters of a model."""

import keras
import numpy as np
import pytest

from pipeline.explain.explained_model import open_model
from pipeline.explain.explanation import ExplainOptions
from pipeline.explain.image_explanation import explain_image, first_filters


def model(folder, *layers, classes=4):
    body = keras.Sequential([keras.Input((8, 8, 3)), *layers, keras.layers.Flatten(), keras.layers.Dense(classes)])
    body.save(folder / "m.keras")
    return open_model(folder / "m.keras", None, None)


@pytest.mark.parametrize(
    ("layer", "shape", "count", "depth"),
    [
        (keras.layers.Conv2D(70, 3), (3, 3, 3, 64), 70, 3),
        (keras.layers.DepthwiseConv2D((3, 2), depth_multiplier=2), (3, 2, 1, 6), 6, 1),
        (keras.layers.SeparableConv2D(9, 3), (3, 3, 1, 3), 3, 1),
    ],
)
def test_first_filters(tmp_path, layer, shape, count, depth):
    filters = first_filters(model(tmp_path, layer))
    assert (filters.kernels.shape, filters.count, filters.depth) == (shape, count, depth)


def test_the_heatmap_of_the_true_class_comes_last_where_it_is_not_among_the_likeliest(tmp_path):
    opened = model(tmp_path, keras.layers.Conv2D(2, 3))
    image = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    order = np.argsort(-explain_image(opened, image, "i", ExplainOptions()).probabilities)
    for rank, expected in ((3, [*order[:2], order[3]]), (0, [*order[:2]])):
        explanation = explain_image(opened, image, "i", ExplainOptions(top=2), label=int(order[rank]))
        assert [heatmap.class_index for heatmap in explanation.heatmaps] == expected


def test_a_head_of_one_place_is_not_where_the_field_is_drawn(tmp_path):
    opened = model(tmp_path, keras.layers.Conv2D(2, 3, name="wide"), keras.layers.Conv2D(4, 6, name="head"))
    explanation = explain_image(opened, np.zeros((8, 8, 3), np.uint8), "i", ExplainOptions())
    assert (explanation.receptive_field.unit.layer, explanation.heatmaps[0].layer) == ("wide", "wide")
