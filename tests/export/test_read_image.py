"""Exported models read image files as training does."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pipeline.data.decode import decode
from pipeline.data.white_level import white_level
from pipeline.export.read_image import _white_level, read_image
from tests.export.image_files import photograph, save_deep, save_jpegs

SHAPE = (24, 30)
MODES = pytest.mark.parametrize(("mode", "channels"), [("L", 1), ("RGB", 3)])


@MODES
@pytest.mark.parametrize("white", [None, 4095, 65535])
def test_pictures_of_more_than_8_bits(mode, channels, white, tmp_path):
    for file in save_deep(tmp_path, *SHAPE):
        expected = decode(file, (*SHAPE, channels), white)
        np.testing.assert_array_equal(read_image(file, mode, white), expected, err_msg=file.name)
        assert white or expected.max() > 240


@MODES
@pytest.mark.parametrize("kind", ["1", "P", "LA", "RGBA", "CMYK"])
def test_pictures_of_every_mode(mode, channels, kind, tmp_path):
    image = Image.fromarray(photograph(*SHAPE))
    alpha = Image.fromarray(photograph(*SHAPE, seed=1)[:, :, 0])
    if "A" in kind:
        image.putalpha(alpha)
    file = tmp_path / f"image.{'tif' if kind == 'CMYK' else 'png'}"
    image.convert(kind).save(file)
    np.testing.assert_array_equal(read_image(file, mode), decode(file, (*SHAPE, channels)))


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("kind", ["jpg", "png", "tif"])
def test_turned_pictures(turn, kind, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = turn
    Image.fromarray(photograph(*SHAPE)).save(tmp_path / f"image.{kind}", exif=exif)
    pixels = read_image(tmp_path / f"image.{kind}", "RGB")
    np.testing.assert_array_equal(pixels, decode(tmp_path / f"image.{kind}", pixels.shape))


def test_a_damaged_tag_is_not_a_damaged_picture(tmp_path):
    file = tmp_path / "image.png"
    Image.fromarray(photograph(*SHAPE)).save(file, exif=b"Exif\0\0no tags at all")
    np.testing.assert_array_equal(read_image(file, "RGB"), decode(file, (*SHAPE, 3)))


def test_photographs_for_a_model_of_one_size(tmp_path):
    for file in save_jpegs(tmp_path):
        np.testing.assert_array_equal(read_image(file, "RGB", None, (17, 12)), decode(file, (12, 17, 3)))


@given(st.floats(-9, 5e9), st.booleans())
def test_the_white_level(highest, floats):
    highest = highest if floats else float(int(highest))
    assert _white_level(highest, floats) == white_level(highest, floats)


def test_what_is_no_image_is_one_line(tmp_path):
    (tmp_path / "notes.png").write_text("no picture")
    (tmp_path / "half.jpg").write_bytes(save_jpegs(tmp_path)[0].read_bytes()[:3000])
    Image.fromarray(np.full((4, 4), np.nan, np.float32)).save(tmp_path / "nan.tif")
    for name, reason in (
        ("notes.png", "cannot identify image file"),
        ("half.jpg", "truncated"),
        ("nan.tif", "NaN"),
        ("gone.png", "No such file"),
    ):
        with pytest.raises(ValueError, match=reason) as caught:
            read_image(tmp_path / name, "RGB")
        assert "\n" not in str(caught.value)
