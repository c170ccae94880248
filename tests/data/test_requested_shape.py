import pytest

from pipeline.data.requested_shape import Pictures, RequestedShape


def pictures(*shape):
    return Pictures(*shape, images=10, classes=2)


@pytest.mark.parametrize(("own", "channels"), [(1, 1), (3, 3), (4, 3)])
def test_without_a_request_the_images_decide(own, channels):
    assert RequestedShape().resolve(pictures(5, 4, own)) == (5, 4, channels)


def test_a_request_decides():
    assert RequestedShape((6, 7)).resolve(pictures(5, 4, 1)) == (6, 7, 1)
    assert RequestedShape(channels=3).resolve(pictures(5, 4, 1)) == (5, 4, 3)
    assert RequestedShape((6, 7), 1).resolve(pictures(5, 4, 4)) == (6, 7, 1)


def test_a_choice_counts_where_there_is_no_request():
    def choose(own):
        return own.height * 2, own.images

    assert RequestedShape(None, None, choose).resolve(pictures(5, 4, 1)) == (10, 10, 1)
    assert RequestedShape((6, 7), None, choose).resolve(pictures(5, 4, 1)) == (6, 7, 1)
