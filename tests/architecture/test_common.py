import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.architecture.common import Halvings, scale_filters

FILTERS, WIDTHS, GROUPS = st.integers(1, 600), st.floats(0.01, 16.0), st.integers(1, 40)


@given(FILTERS, WIDTHS, GROUPS)
def test_scaled_filters_are_a_multiple_of_the_groups_and_near_the_product(per_group, width, groups):
    scaled = scale_filters(per_group * groups, width, groups)
    assert scaled % groups == 0
    assert scaled >= groups
    assert scaled == groups or abs(scaled - per_group * groups * width) <= groups / 2 + 1e-6


@given(FILTERS, GROUPS)
def test_a_width_of_1_changes_nothing(filters, groups):
    assert scale_filters(filters, 1.0, groups) == filters


@given(FILTERS, WIDTHS, GROUPS.filter(lambda groups: groups > 1))
def test_what_the_groups_do_not_divide_stays_so(filters, width, groups):
    assert scale_filters(filters * groups + 1, width, groups) == filters * groups + 1


@given(FILTERS, WIDTHS, WIDTHS, GROUPS)
def test_wider_is_never_narrower(filters, one, other, groups):
    low, high = sorted((one, other))
    assert scale_filters(filters, low, groups) <= scale_filters(filters, high, groups)


@pytest.mark.parametrize(
    ("designed_for", "image", "left"),
    [
        (0, (4, 4), 0),
        (224, (224, 224), 0),
        (224, (300, 256), 0),
        (224, (112, 112), 0),
        (224, (106, 500), 1),
        (224, (64, 64), 1),
        (224, (32, 32), 2),
        (224, (28, 90), 2),
        (227, (28, 28), 2),
    ],
)
def test_halvings_are_counted_on_the_shorter_side(designed_for, image, left):
    halvings = Halvings(designed_for, *image)
    assert [halvings.fit_stride(2) for _ in range(left + 2)] == [1] * left + [2, 2]


@pytest.mark.parametrize(
    ("left", "conv", "becomes"),
    [
        (1, (7, 2), (3, 1)),
        (1, (11, 4), (5, 2)),
        (2, (11, 4), (3, 1)),
        (3, (11, 4), (3, 1)),
        (1, (1, 2), (1, 1)),
        (1, (2, 2), (2, 1)),
        (1, (5, 3), (3, 1)),
        (0, (7, 2), (7, 2)),
        (2, (7, 1), (7, 1)),
        (3, (13, 8), (3, 1)),
    ],
)
def test_a_kernel_shrinks_with_its_stride(left, conv, becomes):
    assert Halvings(16 << left if left else 8, 8, 8).fit_conv(*conv) == becomes


@pytest.mark.parametrize(
    ("left", "pool", "becomes"),
    [
        (1, (2, 2), None),
        (1, (3, 2), None),
        (1, (3, 3), None),
        (1, (4, 4), (2, 2)),
        (2, (4, 4), None),
        (1, (5, 4), (3, 2)),
        (0, (3, 2), (3, 2)),
        (2, (3, 1), (3, 1)),
    ],
)
def test_a_pool_is_left_out_or_shrinks(left, pool, becomes):
    assert Halvings(16 << left if left else 8, 8, 8).fit_pool(*pool) == becomes


def test_every_halving_is_left_out_once_from_the_input_on():
    halvings = Halvings(448, 28, 28)
    assert halvings.fit_conv(11, 4) == (3, 1)
    assert halvings.fit_pool(3, 1) == (3, 1)
    assert halvings.fit_pool(3, 2) is None
    assert halvings.fit_stride(2) == 2


@pytest.mark.parametrize(
    ("designed_for", "image", "added"),
    [
        (0, (4000, 4000), 0),
        (32, (32, 32), 0),
        (32, (64, 64), 0),
        (32, (67, 67), 0),
        (32, (68, 68), 1),
        (32, (128, 500), 1),
        (32, (224, 224), 2),
        (32, (256, 256), 2),
        (224, (448, 448), 0),
    ],
)
def test_the_first_convolution_strides_over_larger_images(designed_for, image, added):
    halvings = Halvings(designed_for, *image)
    kernel, stride = halvings.fit_conv(1, 1)
    assert stride == 2**added
    assert kernel == (stride + 1 if added else 1)  # every pixel is seen
    assert halvings.fit_conv(3, 1) == (3, 1)
    assert halvings.fit_pool(2, 2) == (2, 2)


def test_a_kernel_that_is_large_enough_stays_when_the_stride_grows():
    assert Halvings(32, 128, 128).fit_conv(7, 2) == (7, 4)


@given(st.integers(8, 64), st.integers(1, 2000))
def test_the_last_map_is_between_half_and_twice_as_long_as_in_the_original(designed_for, side):
    """For a network of enough halvings, up to the 5 % of slack."""
    halvings, jump = Halvings(designed_for, side, side), 1
    jump *= halvings.fit_conv(3, 1)[1]
    for _ in range(8):
        jump *= halvings.fit_stride(2)
    assert 0.5 / 1.06 <= side / jump / (designed_for / 2**8) <= 2 * 1.06


@given(st.integers(0, 300), st.integers(1, 300), st.integers(1, 15), st.integers(1, 9))
def test_nothing_grows_on_images_that_are_not_larger(designed_for, side, kernel, stride):
    halvings = Halvings(designed_for, min(side, designed_for or side), side)
    found_kernel, found_stride = halvings.fit_conv(kernel, stride)
    assert 1 <= found_kernel <= kernel
    assert 1 <= found_stride <= stride
