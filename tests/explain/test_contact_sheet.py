"""Pictures with captions inside."""

import numpy as np

from pipeline.explain.contact_sheet import activation_maps_contact_sheet, image_contact_sheet
from pipeline.explain.render import render
from tests.explain.made_up import make_explanation, make_image

BLUE = (0x2F, 0x74, 0xC0)


def lengths(picture):
    """Blue pixels of each bar, from above."""
    blue = (np.asarray(picture) == BLUE).all(axis=2).sum(axis=1)
    starts = np.flatnonzero((blue > 0) & (np.roll(blue, 1) == 0))
    return [int(blue[row]) for row in starts]


def test_a_bar_is_as_long_as_its_probability():
    image = make_image(classes=2, probabilities=np.array([0.25, 0.75], np.float32), heatmaps=())
    assert lengths(image_contact_sheet(make_explanation(image, classes=2), image, render(image))) == [151, 51]


def test_long_words_are_not_cut_off_at_the_right():
    image = make_image("a long title " * 20, heatmaps=())
    picture = np.asarray(image_contact_sheet(make_explanation(image), image, render(image)))
    assert (picture[:, -20:] == 255).all()
    assert (picture[:20] == 255).all()


def test_maps_stand_below_one_another():
    image = make_image()
    deeper = make_image(activation_maps=image.activation_maps * 3)
    low, high = (
        activation_maps_contact_sheet(make_explanation(image), image, render(image)).height for image in (image, deeper)
    )
    assert high > 2 * low
