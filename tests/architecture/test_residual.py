import pytest

from pipeline.architecture import FAMILIES, Infeasible
from pipeline.architecture.ops import Activation, Add, BatchNorm, Conv, Pool

RESIDUAL = FAMILIES["residual"]


def residual(shape=(32, 32, 3), /, **params):
    return RESIDUAL.build(params, shape, 10)


def names(architecture):
    return [layer.name for layer in architecture.layers]


def by_name(architecture):
    return {layer.name: layer for layer in architecture.layers}


def test_the_defaults():
    architecture = residual((28, 28, 1))
    assert architecture.parameters == 114_218
    layers = by_name(architecture)
    assert [layers[f"stage{stage}_block2_add"].shape for stage in (1, 2, 3)] == [(28, 28, 32), (14, 14, 32), (7, 7, 32)]


def test_a_basic_block_after_its_convolutions():
    architecture = residual(stages=1, stage_blocks=1)
    assert names(architecture)[3:] == [
        *("stage1_block1_conv1", "stage1_block1_conv1_norm", "stage1_block1_conv1_activation"),
        *("stage1_block1_conv2", "stage1_block1_conv2_norm", "stage1_block1_add", "stage1_block1_activation"),
        *("head", "logits"),
    ]
    assert by_name(architecture)["stage1_block1_add"].inputs == ("stage1_block1_conv2_norm", "stem_activation")


def test_a_basic_block_before_its_convolutions():
    architecture = residual(stages=1, stage_blocks=1, order="pre")
    assert names(architecture) == [
        *("stem", "stage1_block1_entry_norm", "stage1_block1_entry_activation", "stage1_block1_conv1"),
        *("stage1_block1_conv1_norm", "stage1_block1_conv1_activation", "stage1_block1_conv2", "stage1_block1_add"),
        *("final_norm", "final_activation", "head", "logits"),
    ]
    assert by_name(architecture)["stage1_block1_add"].inputs == ("stage1_block1_conv2", "stem")


def test_a_bottleneck_strides_in_its_3x3():
    layers = by_name(residual(block="bottleneck", stage_filters_2=24, cardinality=4, group_width=32))
    convs = [layers[f"stage2_block1_conv{number}"].op for number in (1, 2, 3)]
    assert convs == [
        Conv(48, 1, bias=False),
        Conv(48, 3, 2, groups=4, bias=False),
        Conv(96, 1, bias=False),
    ]
    assert layers["stage2_block1_skip"].op == Conv(96, 1, 2, bias=False)
    assert layers["stage2_block2_conv2"].op == Conv(48, 3, groups=4, bias=False)


def skips(**params):
    return [name.removesuffix("_skip") for name in names(residual(**params)) if name.endswith("_skip")]


def test_where_the_skip_is_projected():
    blocks = [f"stage{stage}_block{block}" for stage in (1, 2, 3) for block in (1, 2)]
    assert skips() == ["stage2_block1", "stage3_block1"]
    assert skips(stage_filters=16) == ["stage1_block1", "stage2_block1", "stage3_block1"]
    assert skips(projection="pooled") == skips()
    assert skips(projection="always") == blocks


@pytest.mark.parametrize(("order", "source"), [("post", "stage1_block2_activation"), ("pre", "stage2_block1_entry_")])
def test_a_pooled_projection(order, source):
    layers = by_name(residual(projection="pooled", order=order))
    assert layers["stage2_block1_skip_pool"].op == Pool("average", 2, 2, "same")
    assert layers["stage2_block1_skip_pool"].inputs[0].startswith(source)
    assert layers["stage2_block1_skip"].op == Conv(32, 1, bias=False)
    assert ("stage2_block1_skip_norm" in layers) == (order == "post")


@pytest.mark.parametrize("order", ["post", "pre"])
def test_without_normalisation_convolutions_have_biases(order):
    architecture = residual(norm="none", order=order, projection="always")
    assert {layer.op.bias for layer in architecture.layers if isinstance(layer.op, Conv)} == {True}
    assert not [layer for layer in architecture.layers if isinstance(layer.op, BatchNorm)]
    assert [layer for layer in architecture.layers if isinstance(layer.op, Activation)]


def test_a_narrow_network_keeps_one_channel_per_group():
    layers = by_name(residual(block="bottleneck", stage_filters=64, cardinality=32, group_width=4, width=0.01))
    assert layers["stage1_block1_conv2"].op == Conv(32, 3, groups=32, bias=False)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"width": 0.5}, {"stem_filters": 16, "stage_filters": 16}),
        ({"projection": "pooled", "stages": 1}, {"stages": 1}),
        ({"projection": "always", "stage_blocks": 1, "stage_filters": 8, "stem_filters": 4}, None),
        ({"designed_for": 128}, {"designed_for": 100, "stage_filters_9": 3}),
        ({"designed_for": 40}, {"designed_for": 0}),
    ],
)
def test_params_that_give_the_same_network_have_the_same_key(one, other):
    other = one | {"projection": "when_needed"} if other is None else other
    assert residual(**one).key() == residual(**other).key()


DIFFERENT = [
    {"stem_filters": 33},
    {"stem_kernel": 5},
    {"stem_stride": 2},
    {"stem_pool": "max"},
    {"stages": 2},
    {"stage_blocks_2": 3},
    {"stage_filters_3": 33},
    {"block": "bottleneck"},
    {"block": "bottleneck", "cardinality": 2},
    {"block": "bottleneck", "group_width": 32},
    {"projection": "always"},
    {"projection": "pooled"},
    {"order": "pre"},
    {"norm": "none"},
    {"activation": "elu"},
    {"dropout": 0.1},
    {"width": 0.5},
    {"designed_for": 128},
]


def test_params_that_give_different_networks_have_different_keys():
    keys = {residual(**params).key() for params in [{}, *DIFFERENT]}
    assert len(keys) == len(DIFFERENT) + 1
    assert {key.rstrip("_0123456789") for one in DIFFERENT for key in one} == set(RESIDUAL.hyperparameters)


@pytest.mark.parametrize(
    ("params", "kind", "reason"),
    [
        (
            {"block": "bottleneck", "cardinality": 32, "group_width": 4, "stage_filters_2": 8},
            "cardinality over width",
            "stage2: each of 32 groups would be 8 * 4 / 64 filters wide, less than one",
        ),
        (
            {"cardinality": 2},
            "basic block with groups",
            "stage1: cardinality 2 and group_width 64 need block bottleneck; basic has 1 and 64",
        ),
        ({"stages": 7}, "map vanishes", "stage7: a stride of 2 leaves nothing of its 1x1 map"),
    ],
)
def test_params_that_give_no_network_are_infeasible(params, kind, reason):
    with pytest.raises(Infeasible) as caught:
        residual(**params)
    assert (caught.value.kind, caught.value.reason) == (kind, reason)


def test_every_sum_has_two_inputs_of_one_shape():
    architecture = residual(block="bottleneck", projection="pooled", order="pre", stem_pool="max")
    layers = by_name(architecture)
    sums = [layer for layer in architecture.layers if isinstance(layer.op, Add)]
    assert len(sums) == 6
    assert all(layers[name].shape == layer.shape for layer in sums for name in layer.inputs)
