import pytest

from pipeline.data.requested_shape import RequestedShape, request_exactly


@pytest.mark.parametrize(("own", "channels"), [(1, 1), (3, 3), (4, 3)])
def test_without_a_request_the_images_decide(own, channels):
    assert RequestedShape().resolve((5, 4, own)) == (5, 4, channels)


def test_a_request_decides():
    assert RequestedShape((6, 7)).resolve((5, 4, 1)) == (6, 7, 1)
    assert RequestedShape(channels=3).resolve((5, 4, 1)) == (5, 4, 3)
    assert RequestedShape((6, 7), 1).resolve((5, 4, 4)) == (6, 7, 1)


@pytest.mark.parametrize("shape", [(5, 4, 1), (5, 4, 3)])
def test_an_exact_request_gives_its_shape(shape):
    assert request_exactly(shape).resolve((9, 9, 4)) == shape
