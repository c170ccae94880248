"""The pictures of an explanation, pixel by pixel."""

import numpy as np
import pytest

from pipeline.explain import render
from pipeline.explain.explanation import ActivationMaps, ClassHeatmap, Filters, ReceptiveField, Unit
from tests.explain.made_up import make_explanation


@pytest.mark.parametrize("size", [(8, 8), (20, 10), (1, 30), (500, 300)])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_panel_is_of_one_size_whatever_the_image_is(size, channels):
    image = np.full((*size, channels), 77, np.uint8)
    picture = render.render_panel(image)
    assert max(picture.size) == render.PANEL
    assert picture.mode == "RGB"
    assert picture.size[0] * size[0] == pytest.approx(picture.size[1] * size[1], rel=0.2)
    assert np.unique(picture).tolist() == [77]


def test_what_a_unit_does_not_see_is_dark():
    image = np.full((8, 8, 1), 200, np.uint8)
    field = ReceptiveField(Unit("conv", 0, 0), (4, 4), 0, (2, 4, 6, 8), (4, 4))
    picture = np.asarray(render.render_receptive_field(image, field))
    cell = render.PANEL // 8
    assert picture[3 * cell, 6 * cell].tolist() == [200] * 3
    assert picture[cell, 6 * cell].tolist() == picture[3 * cell, 2 * cell].tolist() == [70] * 3
    assert not np.ptp(picture[2 * cell, 4 * cell : 8 * cell].max(axis=1))  # an edge of the outline


def test_a_heatmap_is_bright_where_it_is_high():
    values = np.zeros((4, 4), np.float32)
    values[1, 2] = 1
    bright = np.asarray(render.render_heatmap(np.zeros((8, 8, 1), np.uint8), ClassHeatmap("conv", 0, values))).sum(
        axis=2
    )
    row, column = np.unravel_index(bright.argmax(), bright.shape)
    assert (row * 4 // render.PANEL, column * 4 // render.PANEL) == (1, 2)


def test_a_weight_of_0_is_middle_grey_and_the_largest_is_an_end():
    kernels = np.zeros((3, 3, 1, 2), np.float32)
    kernels[0, 0, 0, 0], kernels[2, 2, 0, 0] = 5, -5
    picture = np.asarray(render.render_filters(Filters("conv", kernels, 2, 1)))
    assert picture.shape == (render.TILE, 2 * render.TILE + 4)
    assert (picture[1, 1], picture[render.TILE // 2, render.TILE // 2], picture[-2, render.TILE - 2]) == (255, 128, 1)
    assert np.unique(picture[:, render.TILE + 4 :]).tolist() == [128]


@pytest.mark.parametrize("depth", [1, 3])
def test_a_white_filter_stands_out_from_the_background(depth):
    white = Filters("conv", np.ones((3, 3, depth, 2), np.float32), 2, depth)
    picture = np.asarray(render.render_filters(white)).reshape(render.TILE, 2 * render.TILE + 4, -1)
    tile = picture[:, : render.TILE]
    assert (tile[1:-1, 1:-1] == 255).all()
    assert {int(edge) for line in (tile[0], tile[-1], tile[:, 0], tile[:, -1]) for edge in line.ravel()} == {128}


@pytest.mark.parametrize(("depth", "mode", "rows"), [(3, "RGB", 1), (1, "L", 1), (5, "L", 5)])
def test_three_channels_are_colours_and_others_are_rows(depth, mode, rows):
    picture = render.render_filters(make_explanation(depth=depth).filters)
    assert picture.mode == mode
    assert picture.size == (4 * (render.TILE + 4) - 4, rows * (render.TILE + 4) - 4)


def test_maps_share_one_scale():
    values = np.stack([np.zeros((2, 2)), np.full((2, 2), 5.0), np.full((2, 2), 10.0)], axis=-1).astype(np.float32)
    picture = (
        np.asarray(render.render_activation_maps(ActivationMaps("conv", (), values, 3)).convert("RGB"))
        .astype(int)
        .sum(axis=2)
    )
    low, middle, high = (picture[5, tile * (render.TILE + 4) + 5] for tile in range(3))
    assert low < middle < high
    assert picture[5, render.TILE + 1] == 3 * 255  # the background between the tiles


def test_a_map_of_one_value_is_drawn():
    render.render_activation_maps(ActivationMaps("conv", (), np.zeros((1, 1, 1), np.float32), 1))
    wide = ActivationMaps("conv", (), np.zeros((9, 9, 17), np.float32), 17)
    assert render.render_activation_maps(wide).size == (16 * (render.TILE + 4) - 4, 2 * (render.TILE + 4) - 4)
