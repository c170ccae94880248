"""Pictures with captions of their own."""

import numpy as np

from pipeline.report.look.draw import drawn
from pipeline.report.look.sheet import maps_sheet, sight_sheet
from tests.report.look.made_up import look, sight

BLUE = (0x2F, 0x74, 0xC0)


def lengths(picture):
    """Blue pixels of each bar, from above."""
    blue = (np.asarray(picture) == BLUE).all(axis=2).sum(axis=1)
    starts = np.flatnonzero((blue > 0) & (np.roll(blue, 1) == 0))
    return [int(blue[row]) for row in starts]


def test_a_bar_is_as_long_as_its_share():
    one = sight(classes=2, shares=np.array([0.25, 0.75], np.float32), heats=())
    assert lengths(sight_sheet(look(one, classes=2), one, drawn(one))) == [151, 51]


def test_long_words_are_not_cut_off_at_the_right():
    one = sight("a long title " * 20, heats=())
    picture = np.asarray(sight_sheet(look(one), one, drawn(one)))
    assert (picture[:, -20:] == 255).all()
    assert (picture[:20] == 255).all()


def test_maps_stand_below_one_another():
    one = sight()
    more = sight(maps=one.maps * 3)
    low, high = (maps_sheet(look(some), some, drawn(some)).height for some in (one, more))
    assert high > 2 * low
