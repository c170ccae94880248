"""Decodes an image file into an array, in the same way for training and for prediction."""

import io
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from pipeline.errors import DataError, printable

Pixels = NDArray[np.uint8]
"""(height, width, channels), or (n, height, width, channels)."""

Shape = tuple[int, int, int]
"""Height, width and channels of an image."""

EXTENSIONS = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp")
"""File names of images end in one of these, in lower or upper case."""

FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP")
"""The same formats by their names in Pillow; files of other formats are not opened."""

SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG", b"BM", b"GIF8", b"RIFF")
"""The first bytes of files in these formats. A file that begins so and cannot be opened is a broken image."""

MAX_PIXELS = 89_478_485
"""The most pixels of an image that is decoded: 0.25 GiB as RGB. Above it, Pillow warns of a decompression bomb."""

_ORIENTATION = 0x0112
"""The EXIF tag that says how the camera was held, 1 to 8 (EXIF 2.32, 4.6.4 A)."""

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""The operation that turns an image of each orientation upright; 1 is upright."""


class BrokenImageError(DataError):
    """A file of an image format is truncated or corrupt; ``reason`` says how."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)  # the arguments that unpickling passes to this function
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"{printable(self.path)}: broken image ({self.reason}); replace it or remove it"


class ImageHeader(NamedTuple):
    """The upright size of an image, and whether it has no colour."""

    height: int
    width: int
    grey: bool


def decode(path: Path, shape: Shape) -> Pixels:
    """One image file as uint8 (height, width, channels), exactly as training sees it.

    It takes the first frame, turns it upright by its EXIF tag, scales 16-bit grey to 8 bits or puts transparency on
    white, converts it to grey (1 channel) or RGB (3), and stretches it to ``shape`` with an antialiased bilinear
    filter. 16-bit colour keeps its upper 8 bits.

    DataError names a file that is missing, not an image, broken or a decompression bomb.
    """
    content = read_file(str(path))
    with silence_pillow():
        return decode_bytes(str(path), content, shape)


def decode_bytes(path: str, content: bytes, shape: Shape) -> Pixels:
    """``decode`` for a file that has been read already. The caller silences Pillow."""
    with _decoding_errors(path, content):
        image = _open(path, content)
        image.load()
        turn = _TURNS.get(_read_orientation(image))
        return fit_image(image if turn is None else image.transpose(turn), shape)


def read_header(path: str, content: bytes) -> ImageHeader:
    """Size and colour of an image, without decoding it. The caller silences Pillow."""
    with _decoding_errors(path, content):
        image = _open(path, content)
        grey = image.mode in ("1", "L", "LA", "I") or image.mode.startswith("I;16")
        on_its_side = _read_orientation(image) >= 5
        height, width = (image.width, image.height) if on_its_side else (image.height, image.width)
        return ImageHeader(height, width, grey)


def fit_image(image: Image.Image, shape: Shape) -> Pixels:
    """An upright image of any mode as uint8 (height, width, channels)."""
    height, width, channels = shape
    if image.mode.startswith("I"):
        image = _scale_to_8_bits(image)
    elif image.has_transparency_data:
        image = _put_on_white(image)
    mode = "L" if channels == 1 else "RGB"
    if image.mode != mode:
        image = image.convert(mode)
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(image, dtype=np.uint8).reshape(shape)


def read_file(path: str) -> bytes:
    """The bytes of a file; DataError when it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise DataError(f"{printable(path)}: cannot be read ({error.strerror}); expected an image file") from None


@contextmanager
def silence_pillow() -> Iterator[None]:
    """Silences Pillow's warnings. It must not be used inside threads, since Python's warning filters are global."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _open(path: str, content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content), formats=FORMATS)
    if image.width * image.height > MAX_PIXELS:
        raise Image.DecompressionBombError(f"{image.width} x {image.height} pixels")
    return image


@contextmanager
def _decoding_errors(path: str, content: bytes) -> Iterator[None]:
    """Turns whatever Pillow raises into a DataError that names the file."""
    try:
        yield
    except Image.DecompressionBombError:
        raise DataError(
            f"{printable(path)}: expected at most {MAX_PIXELS:,} pixels, got more (a decompression bomb?); "
            "scale it down or remove it"
        ) from None
    except Exception as error:  # decoders raise OSError, SyntaxError, ValueError, struct.error and others
        unidentified = isinstance(error, UnidentifiedImageError)
        if unidentified and content and not content.startswith(SIGNATURES):
            raise DataError(
                f"{printable(path)}: not an image; expected JPEG, PNG, BMP, GIF or WebP; convert it or remove it"
            ) from None
        unread = "its header cannot be read" if content else "the file is empty"
        raise BrokenImageError(path, unread if unidentified else printable(error)) from None


def _read_orientation(image: Image.Image) -> int:
    if "exif" not in image.info:
        return 1
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except (SyntaxError, ValueError, TypeError, OSError, struct.error):  # a damaged tag, not a damaged picture
        return 1


def _scale_to_8_bits(image: Image.Image) -> Image.Image:
    # Pillow's own convert("L") clips 16 bits at 255 instead of scaling them.
    wide = np.clip(np.asarray(image).astype(np.int64), 0, 65535)
    return Image.fromarray(((wide + 128) // 257).astype(np.uint8))


def _put_on_white(image: Image.Image) -> Image.Image:
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
