"""PNG files with the mark of an explanation."""

import base64
import io

import numpy as np
from PIL import Image

from pipeline.explain.png import MARK, data_uri, png

PIXELS = np.random.default_rng(0).integers(0, 256, (300, 200, 3), np.uint8)


def test_the_mark_is_near_the_beginning_and_the_pixels_stay():
    content = png(Image.fromarray(PIXELS))
    assert MARK.encode() in content[:128]
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(content))), PIXELS)


def test_a_data_uri_holds_the_file():
    picture = Image.fromarray(PIXELS)
    scheme, _, content = data_uri(picture).partition(",")
    assert scheme == "data:image/png;base64"
    assert base64.b64decode(content) == png(picture)
