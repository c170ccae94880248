import pickle

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipeline.architecture import FAMILIES, Infeasible
from pipeline.architecture.ops import Conv, Dense, Dropout, Flatten, GlobalAveragePool, Pool

PLAIN = FAMILIES["plain"]


@st.composite
def plain_params(draw):
    """A value for every hyperparameter, each block with its own."""
    params = {
        "blocks": draw(st.integers(1, 4)),
        "norm": draw(st.sampled_from(["none", "batch"])),
        "activation": draw(st.sampled_from(["relu", "leaky_relu", "elu", "gelu", "silu"])),
        "head": draw(st.sampled_from(["flatten", "average"])),
        "fc_layers": draw(st.integers(0, 2)),
        "dropout": draw(st.sampled_from([0.0, 0.25])),
    }
    for block in range(1, params["blocks"] + 1):
        params[f"convs_{block}"] = draw(st.integers(1, 3))
        params[f"filters_{block}"] = draw(st.integers(1, 9))
        params[f"kernel_{block}"] = draw(st.integers(1, 5))
        params[f"stride_{block}"] = draw(st.integers(1, 2))
        params[f"padding_{block}"] = draw(st.sampled_from(["same", "valid"]))
        params[f"pool_{block}"] = draw(st.sampled_from(["none", "max", "average"]))
        params[f"pool_size_{block}"] = draw(st.integers(2, 3))
        params[f"pool_stride_{block}"] = draw(st.integers(0, 2))
    for layer in range(1, params["fc_layers"] + 1):
        params[f"fc_width_{layer}"] = draw(st.integers(1, 20))
    return params


def plain(shape=(32, 32, 3), /, **params):
    return PLAIN.build(params, shape, 10)


def drawn(params):
    try:
        return plain(**params)
    except Infeasible:
        assume(False)


def names(architecture):
    return [layer.name for layer in architecture.layers]


def ops(architecture, kind):
    return [layer.op for layer in architecture.layers if isinstance(layer.op, kind)]


def test_the_defaults():
    architecture = plain((28, 28, 1))
    assert names(architecture) == [
        *("block1_conv1", "block1_conv1_norm", "block1_conv1_activation", "block1_pool"),
        *("block2_conv1", "block2_conv1_norm", "block2_conv1_activation", "block2_pool"),
        *("block3_conv1", "block3_conv1_norm", "block3_conv1_activation", "block3_pool"),
        *("head", "fc1", "fc1_activation", "logits"),
    ]
    assert architecture.parameters == 57_194
    assert architecture.receptive_field == 22


@pytest.mark.parametrize("shape", [(8, 8, 1), (28, 28, 1), (32, 32, 3), (64, 48, 3)])
def test_the_defaults_fit_usual_images(shape):
    assert plain(shape).layers[-1].shape == (10,)


def test_every_hyperparameter_is_used():
    params = {
        "blocks": 2,
        "convs_1": 2,
        "filters_1": 8,
        "filters_2": 16,
        "kernel_1": 5,
        "stride_1": 2,
        "padding_1": "valid",
        "pool_1": "average",
        "pool_size_1": 3,
        "pool_stride_1": 2,
        "pool_2": "none",
        "norm": "none",
        "activation": "silu",
        "head": "average",
        "fc_layers": 2,
        "fc_width_1": 30,
        "fc_width_2": 20,
        "dropout": 0.5,
    }
    architecture = plain(**params)
    assert ops(architecture, Conv) == [
        Conv(8, 5, 2, "valid", bias=True),
        Conv(8, 5, 1, "valid", bias=True),
        Conv(16, 3, 1, "same", bias=True),
    ]
    assert ops(architecture, Pool) == [Pool("average", 3, 2)]
    assert ops(architecture, Dense) == [Dense(30), Dense(20), Dense(10)]
    assert ops(architecture, Dropout) == [Dropout(0.5), Dropout(0.5)]
    assert ops(architecture, GlobalAveragePool) == [GlobalAveragePool()]
    assert {layer.op.kind for layer in architecture.layers if layer.name.endswith("_activation")} == {"silu"}


def test_the_stride_is_of_the_first_convolution_of_a_block():
    assert [op.stride for op in ops(plain(blocks=2, convs=3, stride_2=2), Conv)] == [1, 1, 1, 2, 1, 1]
    assert [op.stride for op in ops(plain(blocks=2, convs=2, stride=2), Conv)] == [2, 1, 2, 1]


def test_every_convolution_can_have_its_own_params():
    params = {"filters_2": 8, "filters_2_2": 6, "kernel_2_1": 5, "groups_2_2": 2}
    assert ops(plain(blocks=2, convs_2=2, **params), Conv)[1:] == [
        Conv(8, 5, bias=False),
        Conv(6, 3, groups=2, bias=False),
    ]


def test_width_leaves_filters_that_the_next_convolution_can_group():
    convs = ops(plain(blocks=2, filters=12, groups_2=4, width=0.45), Conv)
    assert [(op.filters, op.groups) for op in convs] == [(4, 1), (4, 4)]


def test_a_bias_is_left_out_where_batch_norm_follows():
    assert {op.bias for op in ops(plain(norm="batch"), Conv)} == {False}
    assert {op.bias for op in ops(plain(norm="none"), Conv)} == {True}


def test_without_fully_connected_layers_dropout_comes_before_the_logits():
    assert names(plain(fc_layers=0, dropout=0.3))[-3:] == ["head", "head_dropout", "logits"]
    assert names(plain(fc_layers=1, dropout=0.3))[-3:] == ["fc1_activation", "fc1_dropout", "logits"]
    assert names(plain(fc_layers=0, dropout=0.0))[-2:] == ["head", "logits"]


@pytest.mark.parametrize(
    ("shape", "params", "kind", "layer"),
    [
        ((8, 8, 1), {"blocks": 5}, "map vanishes", "block4_pool"),
        ((8, 8, 1), {"pool_size_2": 3, "pool_size_1": 4}, "map vanishes", "block2_pool"),
        ((4, 9, 1), {"kernel": 5, "padding": "valid"}, "kernel larger than map", "block1_conv1"),
        ((9, 9, 1), {"kernel": 5, "padding": "valid", "convs": 3}, "kernel larger than map", "block1_conv3"),
        ((9, 9, 3), {"groups": 2}, "groups do not divide channels", "block1_conv1"),
        ((9, 9, 3), {"filters_1": 9, "groups_2": 2, "width": 2.0}, "groups do not divide channels", "block2_conv1"),
    ],
)
def test_params_that_give_no_network_are_infeasible(shape, params, kind, layer):
    with pytest.raises(Infeasible) as caught:
        plain(shape, **params)
    assert caught.value.kind == kind
    assert caught.value.reason.startswith(f"{layer}: ")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"pool": "none", "pool_size": 3}, {"pool": "none"}),
        ({"pool": "none", "pool_stride": 1}, {"pool": "none"}),
        ({"filters": 16}, {"filters_1": 16, "filters_2": 16, "filters_3": 16}),
        ({"filters": 16, "filters_4": 8}, {"filters": 16}),
        ({"pool_size": 3, "pool_stride": 3}, {"pool_size": 3, "pool_stride": 0}),
        ({"fc_layers": 0, "fc_width": 64}, {"fc_layers": 0}),
        ({"kernel": 1, "padding": "same"}, {"kernel": 1, "padding": "valid"}),
        ({"blocks": 1, "convs": 2, "pool": "none"}, {"blocks": 2, "pool": "none"}),
        ({"width": 0.5, "fc_width": 64}, {"filters": 16, "fc_width": 32}),
        ({"designed_for": 128}, {"pool_1": "none"}),
        ({"designed_for": 40}, {}),
        ({"blocks": 5, "head": "average"}, {"blocks": 5, "head": "flatten"}),
        ({"learning_rate": 0.1}, {}),
        ({name: one.default for name, one in PLAIN.hyperparameters.items()}, {}),
    ],
)
def test_params_that_give_the_same_network_have_the_same_key(one, other):
    assert plain(**one).key() == plain(**other).key()


DIFFERENT = [
    {"blocks": 2},
    {"convs_2": 2},
    {"filters_3": 33},
    {"kernel_1": 5},
    {"stride_1": 2},
    {"groups_2": 2},
    {"padding_1": "valid"},
    {"pool_1": "average"},
    {"pool_1": "none"},
    {"pool_size_1": 3},
    {"pool_stride_1": 1},
    {"norm": "none"},
    {"activation": "elu"},
    {"head": "average"},
    {"fc_layers": 0},
    {"fc_layers": 2},
    {"fc_width": 127},
    {"dropout": 0.1},
    {"dropout": 0.2},
    {"width": 0.5},
    {"designed_for": 256},
]


def test_params_that_give_different_networks_have_different_keys():
    keys = {plain(**params).key() for params in [{}, *DIFFERENT]}
    assert len(keys) == len(DIFFERENT) + 1
    assert {next(iter(one)).rstrip("_0123456789") for one in DIFFERENT} == set(PLAIN.hyperparameters)


@given(plain_params(), plain_params())
def test_keys_are_equal_only_where_layers_are(one, other):
    first, second = drawn(one), drawn(other)
    if first.key() == second.key():
        assert [layer.shape for layer in first.layers] == [layer.shape for layer in second.layers]
        assert [layer.parameters for layer in first.layers] == [layer.parameters for layer in second.layers]
    else:
        assert first != second


@given(plain_params(), st.integers(1, 4), st.sampled_from(["filters", "fc_width"]))
def test_costs_grow_with_filters_and_widths(params, index, name):
    small = drawn(params)
    key = f"{name}_{index}"
    assume(key in params)
    large = plain(**{**params, key: params[key] + 1})
    assert large.parameters > small.parameters
    assert large.macs > small.macs
    assert large.memory(8) > small.memory(8)


@given(plain_params())
def test_an_architecture_is_whole_and_survives_pickling(params):
    architecture = drawn(params)
    seen = {"image"}
    for layer in architecture.layers:
        assert set(layer.inputs) <= seen
        seen.add(layer.name)
    assert len(seen) == len(architecture.layers) + 1
    assert architecture.layers[-1].name == "logits"
    assert architecture.layers[-1].shape == (10,)
    assert all(side >= 1 for layer in architecture.layers for side in layer.shape)
    copy = pickle.loads(pickle.dumps(architecture))
    assert copy == architecture
    assert copy.key() == architecture.key()


def test_the_head_flattens_by_default():
    assert ops(plain(), Flatten) == [Flatten()]
