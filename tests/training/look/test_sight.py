"""One image through a network, and its first filters."""

import keras
import numpy as np
import pytest

from pipeline.training.look.network import open_model
from pipeline.training.look.seen import Wish
from pipeline.training.look.sight import filters, sight


def network(folder, *layers, classes=4):
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
    found = filters(network(tmp_path, layer))
    assert (found.kernels.shape, found.count, found.depth) == (shape, count, depth)


def test_heat_of_the_true_class_comes_last_where_it_is_not_among_the_likeliest(tmp_path):
    opened = network(tmp_path, keras.layers.Conv2D(2, 3))
    image = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    order = np.argsort(-sight(opened, image, "i", Wish()).shares)
    for place, expected in ((3, [*order[:2], order[3]]), (0, [*order[:2]])):
        found = sight(opened, image, "i", Wish(top=2), label=int(order[place]))
        assert [heat.position for heat in found.heats] == expected


def test_a_head_of_one_place_is_not_where_the_field_is_drawn(tmp_path):
    opened = network(tmp_path, keras.layers.Conv2D(2, 3, name="wide"), keras.layers.Conv2D(4, 6, name="head"))
    found = sight(opened, np.zeros((8, 8, 3), np.uint8), "i", Wish())
    assert (found.field.unit.layer, found.heats[0].layer) == ("wide", "wide")
