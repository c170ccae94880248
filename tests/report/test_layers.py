import pytest

from pipeline.architecture import FAMILIES, ops
from pipeline.architecture.op import Op
from pipeline.report.layers import rows, size, table, words


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
    assert words(op) == text


def test_every_op_has_words():
    made = {ops.Conv: (8, 3), ops.Pool: ("max", 2, 2), ops.Dense: (8,), ops.Activation: ("relu",), ops.Dropout: (0.5,)}
    layers = [one for one in vars(ops).values() if isinstance(one, type) and issubclass(one, Op)]
    for one in layers:
        if one not in (Op, ops.Image):
            assert words(one(*made.get(one, ())))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_row_a_layer(family):
    architecture = FAMILIES[family].rule({}, (32, 32, 3), 10)
    found = rows(architecture)
    assert [row["name"] for row in found] == [layer.name for layer in architecture.layers]
    assert sum(row["parameters"] for row in found) == architecture.parameters
    assert table(architecture).row_count == len(found)


def test_shapes_as_people_write_them():
    assert size((55, 55, 96)) == "55x55x96"
    assert size((4096,)) == "4096"
