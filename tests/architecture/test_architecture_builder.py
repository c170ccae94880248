import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.architecture.architecture_builder import ArchitectureBuilder
from pipeline.architecture.layer import INPUT
from pipeline.architecture.op import Infeasible
from pipeline.architecture.ops import Add, Concat, Conv, Flatten, GlobalAveragePool, Pool

WINDOWS = st.lists(
    st.tuples(
        st.sampled_from(["conv", "pool"]), st.integers(1, 5), st.integers(1, 3), st.sampled_from(["same", "valid"])
    ),
    min_size=1,
    max_size=5,
)


def pixels_seen(windows, side):
    """Side in pixels of what the middle output sees, by handing sets of pixels from window to window along one row."""
    row = [{pixel} for pixel in range(side)]
    for _, size, stride, padding in windows:
        before = max((-(-len(row) // stride) - 1) * stride + size - len(row), 0) // 2 if padding == "same" else 0
        count = -(-len(row) // stride) if padding == "same" else (len(row) - size) // stride + 1
        reach = [range(index * stride - before, index * stride - before + size) for index in range(count)]
        row = [set().union(*(row[index] for index in window if 0 <= index < len(row))) for window in reach]
    middle = row[len(row) // 2]
    return max(middle) - min(middle) + 1


@given(WINDOWS)
def test_the_receptive_field_is_what_a_pixel_can_change(windows):
    side = 1500  # wide enough for 5 windows of 5 with strides of 3: the middle output sees no edge
    builder = ArchitectureBuilder((side, side, 1), 2)
    for number, (kind, size, stride, padding) in enumerate(windows):
        op = Conv(2, size, stride, padding) if kind == "conv" else Pool("max", size, stride, padding)
        builder.add(f"layer{number}", op)
    builder.add("head", GlobalAveragePool())
    architecture = builder.finish()
    assert architecture.layers[len(windows) - 1].receptive_field == pixels_seen(windows, side)
    assert architecture.receptive_field == pixels_seen(windows, side)


def test_after_a_global_op_the_receptive_field_is_the_whole_image():
    builder = ArchitectureBuilder((9, 9, 3), 2)
    builder.add("conv", Conv(4, 3))
    builder.add("head", Flatten())
    assert [layer.receptive_field for layer in builder.finish().layers] == [3, None, None]


def branched(op, names=("stem", "one", "two", "meet")):
    """A stem, two branches with receptive fields of 3 and 7 pixels, and where they meet."""
    stem, one, two, meet = names
    builder = ArchitectureBuilder((8, 8, 3), 5)
    builder.add(stem, Conv(4, 3))
    builder.add(one, Conv(4, 1), stem)
    builder.add(two, Conv(4, 5), stem)
    builder.add(meet, op, one, two)
    builder.add("head", GlobalAveragePool())
    return builder.finish()


@pytest.mark.parametrize(("op", "channels"), [(Add(), 4), (Concat(), 8)])
def test_branches_meet(op, channels):
    architecture = branched(op)
    meet = architecture.layers[3]
    assert meet.inputs == ("one", "two")
    assert meet.shape == (8, 8, channels)
    assert meet.receptive_field == 7
    assert architecture.layers[-1].parameters == channels * 5 + 5


def test_sums_are_over_all_layers():
    architecture = branched(Add())
    assert architecture.parameters == (27 * 4 + 4) + (16 + 4) + (25 * 16 + 4) + (4 * 5 + 5)
    assert architecture.macs == 64 * (27 * 4 + 16 + 25 * 16) + 20
    assert architecture.non_trainable == 0


def test_the_key_knows_wiring_and_not_names():
    assert branched(Add()).key() == branched(Add(), ("a", "b", "c", "d")).key()
    assert branched(Add()).key() != branched(Concat()).key()

    def skip(source):
        builder = ArchitectureBuilder((8, 8, 3), 5)
        builder.add("one", Conv(3, 3))
        builder.add("two", Conv(3, 3))
        builder.add("sum", Add(), source, "two")
        builder.add("head", Flatten())
        return builder.finish()

    assert skip(INPUT).key() != skip("one").key()
    assert hash(skip("one").key()) == hash(skip("one").key())


def test_the_key_knows_the_task():
    def network(shape, classes):
        builder = ArchitectureBuilder(shape, classes)
        builder.add("head", GlobalAveragePool())
        return builder.finish().key()

    assert len({network((8, 8, 3), 5), network((8, 8, 3), 6), network((9, 8, 3), 5), network((8, 8, 1), 5)}) == 4


def test_a_layer_that_does_not_fit_is_named():
    builder = ArchitectureBuilder((2, 2, 1), 2)
    with pytest.raises(Infeasible) as caught:
        builder.add("block3_pool", Pool("max", 3, 3))
    assert caught.value.reason == "block3_pool: pool 3x3 does not fit its 2x2 map"
    assert caught.value.kind == "map vanishes"


@pytest.mark.parametrize(("name", "inputs"), [("one", ()), (INPUT, ()), ("two", ("later",))])
def test_names_are_unique_and_inputs_come_first(name, inputs):
    builder = ArchitectureBuilder((8, 8, 3), 5)
    builder.add("one", Conv(3, 3))
    with pytest.raises(ValueError, match="taken"):
        builder.add(name, Conv(3, 3), *inputs)


def test_a_family_can_ask_for_a_shape():
    builder = ArchitectureBuilder((8, 8, 3), 5)
    builder.add("one", Conv(4, 3, 2))
    assert builder.shape(INPUT) == (8, 8, 3)
    assert builder.shape("one") == (4, 4, 4)
