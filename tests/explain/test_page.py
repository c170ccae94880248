"""The page of an explanation."""

import base64
import io
import re
from html.parser import HTMLParser

import pytest
from PIL import Image

from pipeline.explain.page import build_section, render_page
from pipeline.explain.render import render, render_filters
from tests.explain.made_up import make_explanation, make_image

IMAGES = (make_image("a b.png", label=11), make_image("b.png", label=0, channels=1), make_image("c.png"))


def page(explanation):
    sections = [build_section(explanation, image, render(image)) for image in explanation.images]
    return render_page(explanation, render_filters(explanation.filters), sections)


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
    return page(make_explanation(*IMAGES))


@pytest.fixture(scope="module")
def tags(html):
    reader = Reader()
    reader.feed(html)
    assert reader.open == []
    return reader.tags


def test_the_page_holds_its_pictures_and_fetches_nothing(html, tags):
    images = [attributes for tag, attributes in tags if tag == "img"]
    assert len(images) == 1 + 3 * (2 + 3 + 1)
    for image in images:
        kind, _, content = image["src"].partition(",")
        assert kind == "data:image/png;base64"
        assert Image.open(io.BytesIO(base64.b64decode(content))).size == (int(image["width"]), int(image["height"]))
        assert image["alt"]
    assert not {tag for tag, _ in tags} & {"script", "link", "iframe"}
    assert "http" not in html


def test_contents_lead_to_every_section(tags):
    targets = {attributes["id"] for _, attributes in tags if "id" in attributes}
    links = [attributes["href"] for tag, attributes in tags if tag == "a"]
    assert links == ["#filters", "#image-1", "#image-2", "#image-3"]
    assert {link[1:] for link in links} == targets


def test_the_page_says_what_it_shows(html):
    text = re.sub(r"<[^>]+>", " ", html)
    for part in (
        "1,234 parameters, 1 convolution, 12 classes. A note.",
        "&lt;class 11&gt;",  # the true one has its bar
        "the first 20 of 40 channels",
        "conv after norm and act: 5x3",
        "Receptive field of unit 1,2 of the 5x3 map of conv (channel 7): 9x9 pixels, of which 8x8 lie in the image",
        "no evidence for it",
        "and 2 more classes",
    ):
        assert part in text
    assert "<class" not in html.replace("<class>", "")


def test_correct_and_wrong_are_told_apart(html):
    assert html.count('<p class="wrong">Wrong: predicted') == 2
    assert html.count('<p class="">Predicted') == 1
    assert 'class="correct"' not in html
    predicted = IMAGES[0].probabilities.argmax()
    image = make_image("a b.png", label=int(predicted))
    assert '<p class="correct">Correct: predicted' in page(make_explanation(image))


def test_names_from_elsewhere_cannot_add_to_the_page():
    image = make_image("<script>alert('\"&')</script>.png")
    reader = Reader()
    reader.feed(page(make_explanation(image)))
    assert "script" not in {tag for tag, _ in reader.tags}
    assert "&lt;script&gt;alert(&#39;&#34;&amp;&#39;)" in page(make_explanation(image))


def test_without_classes_there_is_neither_bar_nor_heatmap():
    html = page(make_explanation(make_image(classes=0), classes=0))
    assert "Grad-CAM" not in html
    assert "<table" not in html
