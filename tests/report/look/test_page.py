"""The page of a look."""

import base64
import io
import re
from html.parser import HTMLParser

import pytest
from PIL import Image

from pipeline.report.look import draw
from pipeline.report.look.page import page, section
from tests.report.look.made_up import look, sight

SIGHTS = (sight("a b.png", label=11), sight("b.png", label=0, channels=1), sight("c.png"))


def whole(look):
    """The page of a look."""
    sections = [section(look, one, draw.drawn(one), place) for place, one in enumerate(look.sights, start=1)]
    return page(look, draw.filter_grid(look.filters), sections)


class Reader(HTMLParser):
    """Collects tags; fails where one is closed that is not open."""

    def __init__(self):
        super().__init__()
        self.tags, self.open = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def html():
    return whole(look(*SIGHTS))


@pytest.fixture(scope="module")
def tags(html):
    reader = Reader()
    reader.feed(html)
    assert reader.open == []
    return reader.tags


def test_the_page_holds_its_pictures_and_fetches_nothing(html, tags):
    images = [attributes for tag, attributes in tags if tag == "img"]
    assert len(images) == 1 + 3 * (2 + 3 + 1)
    for one in images:
        kind, _, content = one["src"].partition(",")
        assert kind == "data:image/png;base64"
        assert Image.open(io.BytesIO(base64.b64decode(content))).size == (int(one["width"]), int(one["height"]))
        assert one["alt"]
    assert not {tag for tag, _ in tags} & {"script", "link", "iframe"}
    assert "http" not in html


def test_contents_lead_to_every_section(tags):
    places = {attributes["id"] for _, attributes in tags if "id" in attributes}
    links = [attributes["href"] for tag, attributes in tags if tag == "a"]
    assert links == ["#filters", "#image-1", "#image-2", "#image-3"]
    assert {link[1:] for link in links} == places


def test_the_page_says_what_it_shows(html):
    text = re.sub(r"<[^>]+>", " ", html)
    for part in (
        "1,234 parameters, 1 convolution, 12 classes. A note.",
        "&lt;class 11&gt;",  # the true one has its bar
        "the first 20 of 40 channels",
        "conv after norm and act: 5x3",
        "sees 9x9 pixels, of which 8x8 lie in the image",
        "no place speaks for it",
        "and 2 more classes",
    ):
        assert part in text
    assert "<class" not in html.replace("<class>", "")


def test_right_and_wrong_are_told_apart(html):
    assert html.count('<p class="wrong">Wrong: taken for') == 2
    assert 'class="right"' not in html
    taken = SIGHTS[0].shares.argmax()
    assert '<p class="right">Right: taken for' in whole(look(sight("a b.png", label=int(taken))))


def test_without_classes_there_is_neither_bar_nor_heat():
    html = whole(look(sight(classes=0), classes=0))
    assert "Grad-CAM" not in html
    assert "<table" not in html
