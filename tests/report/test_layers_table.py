import pytest

from pipeline.architecture import FAMILIES, ops
from pipeline.architecture.op import Op
from pipeline.report.layers_table import build_layers_table, describe_layers, describe_op, format_shape


@pytest.mark.parametrize(
    ("op", "text"),
    [
        (ops.Conv(96, 11, 4, "valid"), "conv 11x11/4 valid, 96"),
        (ops.Conv(256, 5, groups=2), "conv 5x5, 256, 2 groups"),
        (ops.Conv(64, 7, 2, bias=False), "conv 7x7/2, 64, no bias"),
        (ops.Pool("max", 3, 2, "same"), "max pool 3x3/2 same"),
        (ops.Pool("average", 2, 1), "average pool 2x2"),
        (ops.Dense(10), "dense 10"),
        (ops.Activation("leaky_relu"), "leaky_relu"),
        (ops.Dropout(0.5), "dropout 0.5"),
        (ops.BatchNorm(), "batch norm"),
    ],
)
def test_an_op_in_a_few_words(op, text):
    assert describe_op(op) == text


def test_every_op_has_words():
    arguments = {ops.Conv: (8, 3), ops.Pool: ("max", 2, 2), ops.Dense: (8,)}
    arguments |= {ops.Activation: ("relu",), ops.Dropout: (0.5,)}
    kinds = [kind for kind in vars(ops).values() if isinstance(kind, type) and issubclass(kind, Op)]
    for kind in kinds:
        if kind not in (Op, ops.Image):
            assert describe_op(kind(*arguments.get(kind, ())))


@pytest.mark.parametrize("family", FAMILIES)
def test_one_row_per_layer(family):
    architecture = FAMILIES[family].build({}, (32, 32, 3), 10)
    rows = describe_layers(architecture)
    assert [row["name"] for row in rows] == [layer.name for layer in architecture.layers]
    assert sum(row["parameters"] for row in rows) == architecture.parameters
    assert build_layers_table(architecture).row_count == len(rows)


def test_shapes_as_people_write_them():
    assert format_shape((55, 55, 96)) == "55x55x96"
    assert format_shape((4096,)) == "4096"
