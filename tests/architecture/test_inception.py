import pytest

from pipeline.architecture import FAMILIES, Infeasible
from pipeline.architecture.ops import Concat, Conv, Dropout, Pool

INCEPTION = FAMILIES["inception"]


def inception(shape=(32, 32, 3), /, **params):
    return INCEPTION.build(params, shape, 10)


def by_name(architecture):
    return {layer.name: layer for layer in architecture.layers}


def test_the_defaults():
    architecture = inception((28, 28, 1))
    assert architecture.parameters == 41_098
    assert [layer.name for layer in architecture.layers][:3] == ["stem", "stem_norm", "stem_activation"]
    assert [layer.name for layer in architecture.layers][-2:] == ["head", "logits"]
    assert [by_name(architecture)[f"stage{stage}_module2_concat"].shape for stage in (1, 2, 3)] == [
        (28, 28, 56),
        (14, 14, 56),
        (7, 7, 56),
    ]


def test_a_module_has_four_branches_from_one_source():
    layers = by_name(inception(stages=1, modules=1, norm="none", branch1_1=1, reduce3_1=2, branch3=3, reduce5_1_1=4))
    module = "stage1_module1"
    assert layers[f"{module}_concat"].op == Concat()
    assert [name.removeprefix(f"{module}_") for name in layers[f"{module}_concat"].inputs] == [
        *("branch1_activation", "branch3_activation", "branch5_activation", "branch_pool_activation")
    ]
    for name in ("branch1", "reduce3", "reduce5", "pool"):
        assert layers[f"{module}_{name}"].inputs == ("stem_activation",)
    assert layers[f"{module}_branch1"].op == Conv(1, 1)
    assert layers[f"{module}_reduce3"].op == Conv(2, 1)
    assert layers[f"{module}_branch3"].op == Conv(3, 3)
    assert layers[f"{module}_reduce5"].op == Conv(4, 1)
    assert layers[f"{module}_branch5"].op == Conv(8, 5)
    assert layers[f"{module}_pool"].op == Pool("max", 3, 1, "same")
    assert layers[f"{module}_branch_pool"].op == Conv(8, 1)


def test_every_module_has_its_own_filters():
    layers = by_name(inception(stages=2, modules_2=3, branch1_2_3=5, branch1_2=6, branch1=7))
    widths = [layers[f"stage{stage}_module{module}_branch1"].op.filters for stage, module in ((1, 1), (2, 2), (2, 3))]
    assert widths == [7, 6, 5]


def test_the_stem():
    layers = by_name(
        inception(stem_filters=9, stem_kernel=5, stem_stride=2, stem_reduce=4, stem_expand=6, stem_pool="max")
    )
    names = [name for name in layers if name.startswith("stem") and "norm" not in name and "activation" not in name]
    assert names == ["stem", "stem_pool", "stem_reduce", "stem_expand", "stem_pool2"]
    assert layers["stem"].op == Conv(9, 5, 2, bias=False)
    assert layers["stem_pool"].op == Pool("max", 3, 2, "same")
    assert (layers["stem_reduce"].op, layers["stem_expand"].op) == (Conv(4, 1, bias=False), Conv(6, 3, bias=False))
    assert [name for name in by_name(inception(stem_pool="max")) if name.startswith("stem_pool")] == ["stem_pool"]


def test_dropout_comes_before_the_logits():
    assert by_name(inception(dropout=0.4))["head_dropout"].op == Dropout(0.4)


@pytest.mark.parametrize(
    ("shape", "params", "layer", "map_"),
    [
        ((28, 28, 1), {"stages": 7}, "stage7_pool", "1x1"),
        ((32, 2, 1), {"stages": 3}, "stage3_pool", "16x1"),
        ((2, 2, 1), {"stem_stride": 3}, "stem", "2x2"),
        ((2, 2, 1), {"stem_stride": 2, "stem_pool": "max"}, "stem_pool", "1x1"),
    ],
)
def test_a_map_that_has_nothing_left_to_halve(shape, params, layer, map_):
    with pytest.raises(Infeasible) as caught:
        inception(shape, **params)
    assert caught.value.kind == "map vanishes"
    assert caught.value.reason.startswith(f"{layer}: ")
    assert caught.value.reason.endswith(f"{map_} map")
    assert inception((64, 64, 1), **params)
