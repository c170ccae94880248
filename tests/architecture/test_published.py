"""The published networks, to the parameter, and their shapes on other images."""

import pytest

from pipeline.architecture import FAMILIES
from tests.architecture.published import LAST_MAP, MACS, PARAMETERS, POINTS, SIDES, published_params

IMAGES = [(28, 28, 1), (32, 32, 3), (48, 64, 3), (64, 64, 3), (96, 96, 3), (128, 128, 3), (224, 224, 3)]


def network(name, shape=None, classes=1000, **others):
    shape = shape or (SIDES[name], SIDES[name], 3)
    return FAMILIES[str(POINTS[name]["family"])].build(published_params(name, **others), shape, classes)


def last_map(architecture):
    return [layer.shape for layer in architecture.layers if len(layer.shape) == 3][-1]


@pytest.mark.parametrize("name", POINTS)
def test_parameters_to_the_unit(name):
    assert network(name).parameters == PARAMETERS[name]
    assert last_map(network(name))[:2] == (LAST_MAP[name], LAST_MAP[name])


@pytest.mark.parametrize("name", MACS)
def test_multiply_accumulates_as_published(name):
    assert network(name).macs == pytest.approx(MACS[name], rel=0.002)


@pytest.mark.parametrize("name", POINTS)
def test_every_hyperparameter_has_a_value_in_every_point(name):
    assert set(POINTS[name]) == {"family", *FAMILIES[str(POINTS[name]["family"])].hyperparameters}


@pytest.mark.parametrize("shape", IMAGES, ids=str)
@pytest.mark.parametrize("name", POINTS)
def test_smaller_images_leave_about_half_of_the_side_of_the_published_last_map_or_more(name, shape):
    height, width, _ = last_map(network(name, shape, 10))
    assert LAST_MAP[name] / 2 - 1 <= min(height, width) <= LAST_MAP[name]  # a window that does not fit loses pixels


@pytest.mark.parametrize("name", POINTS)
def test_a_tenth_of_the_width_fits_small_images(name):
    small, whole = network(name, (28, 28, 1), 10, width=0.1), network(name, (28, 28, 1), 10)
    assert small.parameters < whole.parameters / 20
    assert small.macs < whole.macs / 20
    assert [type(layer.op) for layer in small.layers] == [type(layer.op) for layer in whole.layers]


def test_the_layers_of_googlenet():
    shapes = {layer.name: layer.shape for layer in network("googlenet").layers}
    assert shapes["stem_pool"] == (56, 56, 64)
    assert shapes["stem_pool2"] == (28, 28, 192)
    assert shapes["stage1_module2_concat"] == (28, 28, 480)
    assert shapes["stage2_module5_concat"] == (14, 14, 832)
    assert shapes["stage3_module2_concat"] == (7, 7, 1024)


def test_the_layers_of_alexnet():
    shapes = [layer.shape for layer in network("alexnet").layers if layer.name.endswith(("pool", "conv1", "head"))]
    assert shapes == [(55, 55, 96), (27, 27, 96), (27, 27, 256), (13, 13, 256), (13, 13, 384), (6, 6, 256), (9216,)]


def test_on_28_pixels_a_residual_network_begins_as_on_cifar():
    layers = {layer.name: layer for layer in network("resnet50", (28, 28, 1), 10).layers}
    assert (layers["stem"].op.kernel, layers["stem"].op.stride) == (3, 1)
    assert "stem_pool" not in layers
    sides = [layers[f"stage{stage}_block1_add"].shape[0] for stage in (1, 2, 3, 4)]
    assert sides == [28, 14, 7, 4]
