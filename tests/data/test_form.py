import pytest

from pipeline.data.form import Pictures, RequestedForm


def pictures(*shape):
    return Pictures(*shape, images=10, classes=2)


@pytest.mark.parametrize(("own", "channels"), [(1, 1), (3, 3), (4, 3)])
def test_without_a_request_the_images_decide(own, channels):
    assert RequestedForm().resolve(pictures(5, 4, own)).shape == (5, 4, channels)


def test_a_request_decides():
    assert RequestedForm((6, 7)).resolve(pictures(5, 4, 1)).shape == (6, 7, 1)
    assert RequestedForm(channels=3).resolve(pictures(5, 4, 1)).shape == (5, 4, 3)
    assert RequestedForm((6, 7), 1).resolve(pictures(5, 4, 4)).shape == (6, 7, 1)


def test_a_choice_counts_where_there_is_no_request():
    def choose(own):
        return own.height * 2, own.images

    assert RequestedForm(None, None, choose).resolve(pictures(5, 4, 1)).shape == (10, 10, 1)
    assert RequestedForm((6, 7), None, choose).resolve(pictures(5, 4, 1)).shape == (6, 7, 1)
