import pickle
import struct
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image

from pipeline.data.decode import EXTENSIONS, BrokenImageError, decode, read_header, read_range
from pipeline.errors import DataError


def saved(path, image, **options):
    image.save(path, **options)
    return path


def noise(height, width, channels=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)


def bomb(width, height):
    """A PNG of a hundred bytes that says it is huge."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.webp", "A.PNG"])
def test_lossless_colour_comes_back_as_it_was(tmp_path, name):
    pixels = noise(5, 7)
    path = saved(tmp_path / name, Image.fromarray(pixels), **({"lossless": True} if "webp" in name else {}))
    assert np.array_equal(decode(path, (5, 7, 3)), pixels)


def test_jpeg_is_what_pillow_makes_of_it(tmp_path):
    path = saved(tmp_path / "a.jpeg", Image.fromarray(noise(16, 24)))
    with Image.open(path) as image:
        assert np.array_equal(decode(path, (16, 24, 3)), np.asarray(image))


def test_first_frame_of_a_gif(tmp_path):
    frames = [Image.new("RGB", (6, 4), colour) for colour in ((255, 0, 0), (0, 255, 0))]
    path = saved(tmp_path / "a.gif", frames[0], save_all=True, append_images=frames[1:])
    assert np.array_equal(decode(path, (4, 6, 3)), np.full((4, 6, 3), (255, 0, 0)))


def test_sixteen_bits_are_scaled_not_clipped(tmp_path):
    wide = np.array([[0, 128, 129, 256], [257, 30000, 65406, 65535]], dtype=np.uint16)
    path = saved(tmp_path / "a.png", Image.fromarray(wide))
    expected = np.rint(wide / 257)
    assert np.array_equal(decode(path, (2, 4, 1))[..., 0], expected)
    assert np.array_equal(decode(path, (2, 4, 3))[..., 2], expected)


def test_without_a_white_level_an_image_is_scaled_by_its_own(tmp_path):
    twelve = np.array([[0, 2048, 4095, 3000]], dtype=np.uint16)
    path = saved(tmp_path / "a.png", Image.fromarray(twelve))
    assert decode(path, (1, 4, 1)).ravel().tolist() == [0, 128, 255, 187]
    assert decode(path, (1, 4, 1), white=65535).ravel().tolist() == [0, 8, 16, 12]


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [
        ([0, 0.5, 1, 1.02], [0, 128, 255, 255]),
        ([0, 100, 255, 256], [0, 100, 255, 255]),
        ([0, 1000, 2000, 4095], [0, 62, 125, 255]),
    ],
)
def test_floats_in_a_tiff(tmp_path, pixels, expected):
    path = saved(tmp_path / "a.tif", Image.fromarray(np.array([pixels], np.float32)))
    assert decode(path, (1, 4, 1)).ravel().tolist() == expected


@pytest.mark.parametrize("pixel", [-1, np.nan])
def test_pixels_without_a_range_are_broken(tmp_path, pixel):
    path = saved(tmp_path / "a.tif", Image.fromarray(np.array([[pixel, 1]], np.float32)))
    with pytest.raises(BrokenImageError, match="pixels below 0 or not finite"):
        read_range(str(path), path.read_bytes())


@pytest.mark.parametrize("kind", ["tif", "TIFF", "jfif", "jpe", "ppm", "jp2", "avif"])
def test_formats_that_pillow_reads(tmp_path, kind):
    path = saved(tmp_path / f"a.{kind}", Image.fromarray(noise(16, 16)))
    assert decode(path, (16, 16, 3)).shape == (16, 16, 3)
    assert f".{kind.lower()}" in EXTENSIONS


def test_first_frame_of_a_tiff(tmp_path):
    frames = [Image.new("L", (6, 4), value) for value in (10, 90)]
    path = saved(tmp_path / "a.tif", frames[0], save_all=True, append_images=frames[1:])
    assert np.all(decode(path, (4, 6, 1)) == 10)


def test_one_bit_becomes_black_and_white(tmp_path):
    path = saved(tmp_path / "a.png", Image.fromarray(np.array([[True, False]])))
    assert decode(path, (1, 2, 1)).ravel().tolist() == [255, 0]


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "L", "RGB"])
def test_transparency_lies_on_white(tmp_path, mode):
    if mode == "RGBA":
        image = Image.fromarray(np.array([[[10, 10, 10, 0], [10, 10, 10, 255]]], dtype=np.uint8))
    elif mode == "LA":
        image = Image.fromarray(np.array([[[10, 0], [10, 255]]], dtype=np.uint8), "LA")
    else:
        image = Image.fromarray(np.array([[7, 10]], dtype=np.uint8)).convert(mode)
    transparent = (7, 7, 7) if mode == "RGB" else 7
    options = {} if mode.endswith("A") else {"transparency": transparent}
    if mode == "P":
        image.putpalette([value for step in range(256) for value in (step, step, step)])
    path = saved(tmp_path / "a.png", image, **options)
    assert decode(path, (1, 2, 1)).ravel().tolist() == [255, 10]
    assert decode(path, (1, 2, 3))[0].tolist() == [[255] * 3, [10] * 3]


def test_half_transparent_is_half_white(tmp_path):
    path = saved(tmp_path / "a.png", Image.new("RGBA", (1, 1), (0, 100, 200, 128)))
    assert np.allclose(decode(path, (1, 1, 3)).ravel(), [127, 177, 227], atol=1)


def test_cmyk_becomes_rgb(tmp_path):
    path = saved(tmp_path / "a.jpg", Image.new("CMYK", (8, 8), (255, 0, 0, 0)), quality=100)
    assert np.allclose(decode(path, (8, 8, 3)), (0, 255, 255), atol=3)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["png", "webp", "jpg"])
def test_exif_turns_upright(tmp_path, orientation, kind):
    upright = np.zeros((16, 24, 3), np.uint8)
    upright[:8, :8] = 250
    # how a camera held that way stores the picture: EXIF 2.32, 4.6.4 A, the inverse of what undoes it
    store = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.swapaxes(0, 1),
        6: lambda a: np.rot90(a),
        7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
        8: lambda a: np.rot90(a, -1),
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(np.ascontiguousarray(store[orientation](upright)))
    options = {"webp": {"lossless": True}, "jpg": {"quality": 100}}.get(kind, {})
    path = saved(tmp_path / f"a.{kind}", image, exif=exif, **options)
    assert read_header(str(path), path.read_bytes())[:2] == (16, 24)
    assert np.allclose(decode(path, (16, 24, 3)).astype(int), upright, atol=6)


def test_a_damaged_exif_tag_does_not_cost_the_picture(tmp_path):
    path = saved(tmp_path / "a.png", Image.fromarray(noise(3, 4)), exif=b"Exif\0\0MM\0*garbage")
    assert decode(path, (3, 4, 3)).shape == (3, 4, 3)


def test_resizing_is_antialiased_and_stretches(tmp_path):
    stripes = np.zeros((64, 64), np.uint8)
    stripes[:, ::2] = 255
    path = saved(tmp_path / "a.png", Image.fromarray(stripes))
    small = decode(path, (4, 8, 1))
    assert small.shape == (4, 8, 1)
    assert abs(small.mean() - 127.5) < 3
    assert small.std() < 20  # picking every eighth column would give one flat 0 or 255


@pytest.mark.parametrize(
    ("mode", "grey"), [("1", True), ("L", True), ("LA", True), ("I;16", True), ("RGB", False), ("P", False)]
)
def test_header_tells_grey_from_colour(tmp_path, mode, grey):
    path = saved(tmp_path / "a.png", Image.new(mode, (3, 2)))
    assert read_header(str(path), path.read_bytes()) == (2, 3, grey, mode == "I;16")


@pytest.mark.parametrize("kind", ["jpg", "png", "bmp", "gif", "webp"])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.9])
def test_a_truncated_file_is_broken_and_named(tmp_path, kind, share):
    content = saved(tmp_path / f"a.{kind}", Image.fromarray(noise(64, 64))).read_bytes()
    path = tmp_path / f"cut.{kind}"
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(BrokenImageError, match=rf"^\S*cut\.{kind}: broken image \(.+\); replace it or remove it$"):
        decode(path, (64, 64, 3))


def test_a_broken_image_survives_pickling():
    error = pickle.loads(pickle.dumps(BrokenImageError("a.png", "cut")))
    assert (str(error), error.reason) == ("a.png: broken image (cut); replace it or remove it", "cut")


@pytest.mark.parametrize("content", [b"hello, this is text", b"<html></html>", bytes(100), b"%PDF-1.7"])
def test_what_is_not_an_image_is_refused(tmp_path, content):
    path = tmp_path / "text.png"
    path.write_bytes(content)
    with pytest.raises(BrokenImageError, match=r"text\.png: not an image; expected JPEG.*remove it$") as caught:
        decode(path, (8, 8, 3))
    assert caught.value.reason == "not an image"


def test_a_format_that_is_not_expected_is_not_opened(tmp_path):
    path = tmp_path / "a.png"
    Image.new("L", (4, 4)).save(path, format="TGA")
    with pytest.raises(DataError, match="not an image"):
        decode(path, (4, 4, 1))


@pytest.mark.parametrize("side", [9_500, 14_000, 100_000])
def test_a_bomb_is_refused_in_silence_whatever_pillow_is_set_to(tmp_path, monkeypatch, side):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None if side == 14_000 else 89_478_485)
    path = tmp_path / "bomb.png"
    path.write_bytes(bomb(side, side))
    with warnings.catch_warnings(record=True) as shouted:
        warnings.simplefilter("always")
        with pytest.raises(BrokenImageError, match=r"bomb\.png: expected at most 89,478,485 pixels"):
            decode(path, (8, 8, 1))
    assert not shouted


@pytest.mark.parametrize(("name", "why"), [("missing.png", "does not exist"), (".", r"cannot be read \(.+\)")])
def test_what_cannot_be_read_is_named(tmp_path, name, why):
    with pytest.raises(DataError, match=f": {why}; expected an image file"):
        decode(tmp_path / name, (8, 8, 1))
