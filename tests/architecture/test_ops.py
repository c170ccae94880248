import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.architecture.op import Infeasible
from pipeline.architecture.ops import (
    Activation,
    Add,
    BatchNorm,
    Concat,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool,
    Pool,
)

SIDES = st.integers(1, 24)
PADDINGS = st.sampled_from(["same", "valid"])


def starts(side, size, stride, padding):
    """Where each window begins, found by sliding one along; TensorFlow's "same" begins outside if it must."""
    if padding == "valid":
        return [start for start in range(0, side, stride) if start + size <= side]
    count = len(range(0, side, stride))
    before = max((count - 1) * stride + size - side, 0) // 2
    return [index * stride - before for index in range(count)]


@given(
    SIDES, SIDES, st.integers(1, 5), st.integers(1, 7), st.integers(1, 4), PADDINGS, st.integers(1, 9), st.booleans()
)
def test_a_convolution_is_counted_position_by_position(height, width, channels, kernel, stride, padding, filters, bias):
    op = Conv(filters, kernel, stride, padding, bias=bias)
    rows, columns = (starts(side, kernel, stride, padding) for side in (height, width))
    if not rows or not columns:
        with pytest.raises(Infeasible):
            op.shape([(height, width, channels)])
        return
    assert op.shape([(height, width, channels)]) == (len(rows), len(columns), filters)
    multiplications = sum(kernel * kernel * channels for _ in rows for _ in columns for _ in range(filters))
    assert op.macs([(height, width, channels)]) == multiplications
    weights = [
        (y, x, c, f) for y in range(kernel) for x in range(kernel) for c in range(channels) for f in range(filters)
    ]
    assert op.parameters([(height, width, channels)]) == len(weights) + (filters if bias else 0)


@given(SIDES, SIDES, st.integers(1, 5), st.integers(1, 4), PADDINGS, st.sampled_from(["max", "average"]))
def test_a_pool_is_counted_position_by_position(height, width, size, stride, padding, kind):
    op = Pool(kind, size, stride, padding)
    rows, columns = (starts(side, size, stride, padding) for side in (height, width))
    if not rows or not columns:
        with pytest.raises(Infeasible):
            op.shape([(height, width, 3)])
        return
    assert op.shape([(height, width, 3)]) == (len(rows), len(columns), 3)
    assert op.parameters([(height, width, 3)]) == op.macs([(height, width, 3)]) == 0


@given(SIDES, SIDES, st.integers(1, 6), st.integers(1, 5), st.sampled_from([Conv, Pool]))
def test_same_is_called_valid_exactly_where_no_window_leaves_the_map(height, width, size, stride, kind):
    op = Conv(4, size, stride, "same") if kind is Conv else Pool("max", size, stride, "same")
    leaves = any(
        start < 0 or start + size > side for side in (height, width) for start in starts(side, size, stride, "same")
    )
    canonical = op.canonical([(height, width, 3)])
    assert canonical.padding == ("same" if leaves else "valid")
    assert canonical.shape([(height, width, 3)]) == op.shape([(height, width, 3)])


def test_groups_divide_the_work():
    whole, split = Conv(8, 3, bias=False), Conv(8, 3, groups=4, bias=False)
    assert split.parameters([(5, 5, 4)]) * 4 == whole.parameters([(5, 5, 4)])
    assert split.macs([(5, 5, 4)]) * 4 == whole.macs([(5, 5, 4)])


@pytest.mark.parametrize(
    ("op", "shape", "kind", "reason"),
    [
        (Conv(4, 5, padding="valid"), (4, 9, 1), "kernel larger than map", "kernel 5x5 does not fit its 4x9 map"),
        (Pool("max", 3, 1), (2, 2, 1), "map vanishes", "pool 3x3 does not fit its 2x2 map"),
        (Conv(4, 3, groups=2), (9, 9, 3), "groups do not divide channels", "2 groups do not divide 3 channels"),
        (Conv(3, 3, groups=2), (9, 9, 4), "groups do not divide channels", "into 3 filters"),
    ],
)
def test_infeasible_says_what_does_not_fit(op, shape, kind, reason):
    with pytest.raises(Infeasible) as caught:
        op.shape([shape])
    assert caught.value.kind == kind
    assert reason in caught.value.reason
    assert str(caught.value) == caught.value.reason


def test_infeasible_survives_pickling():
    error = pickle.loads(pickle.dumps(Infeasible("block1_pool: too large", "map vanishes")))
    assert (error.reason, error.kind) == ("block1_pool: too large", "map vanishes")


def test_a_large_kernel_fits_where_padding_makes_room():
    assert Conv(4, 7, padding="same").shape([(1, 2, 3)]) == (1, 2, 4)


def test_shapes_of_the_other_ops():
    assert Flatten().shape([(3, 4, 5)]) == (60,)
    assert GlobalAveragePool().shape([(3, 4, 5)]) == (5,)
    assert Dense(7).shape([(60,)]) == (7,)
    assert Dense(7).parameters([(60,)]) == 427
    assert Dense(7).macs([(60,)]) == 420
    for op in (BatchNorm(), Activation("relu"), Dropout(0.5)):
        assert op.shape([(3, 4, 5)]) == (3, 4, 5)
        assert op.macs([(3, 4, 5)]) == 0
    assert BatchNorm().parameters([(3, 4, 5)]) == BatchNorm().non_trainable([(3, 4, 5)]) == 10


def test_branches_meet():
    assert Add().shape([(4, 4, 3), (4, 4, 3), (4, 4, 3)]) == (4, 4, 3)
    assert Concat().shape([(4, 4, 3), (4, 4, 2)]) == (4, 4, 5)
    assert Concat().shape([(3,), (2,)]) == (5,)


@pytest.mark.parametrize(
    ("op", "shapes"),
    [
        (Add(), [(4, 4, 3)]),
        (Add(), [(4, 4, 3), (4, 4, 2)]),
        (Concat(), [(4, 4, 3)]),
        (Concat(), [(4, 4, 3), (4, 5, 3)]),
        (Dense(3), [(4, 4, 3)]),
        (Conv(3, 3), [(12,)]),
        (Activation("relu"), [(12,), (12,)]),
    ],
)
def test_wrong_inputs_are_a_mistake_of_the_family(op, shapes):
    with pytest.raises(ValueError, match=r"takes|unpack"):
        op.shape(shapes)


def test_the_mean_of_one_pixel_is_that_pixel():
    assert GlobalAveragePool().canonical([(1, 1, 8)]) == Flatten()
    assert GlobalAveragePool().canonical([(1, 2, 8)]) == GlobalAveragePool()
