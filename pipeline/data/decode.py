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

from pipeline.data.white_level import PixelRange, count_bits, to_bytes, white_level
from pipeline.errors import DataError, printable

Pixels = NDArray[np.uint8]
"""(height, width, channels), or (n, height, width, channels)."""

Shape = tuple[int, int, int]
"""Height, width and channels of an image."""

EXTENSIONS = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".bmp", ".gif", ".webp", ".avif"),
    *(".tif", ".tiff", ".jp2", ".j2k", ".jpx", ".jpf", ".jpc", ".j2c", ".ppm", ".pgm", ".pbm", ".pnm"),
)
"""File names of images end in one of these, in lower or upper case."""

FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF", "AVIF", "JPEG2000", "PPM")
"""The same formats by their names in Pillow; files of other formats are not opened."""

FORMAT_NAMES = "JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF, JPEG 2000 or PPM"
"""The same formats for people."""

_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG", b"BM", b"GIF8", b"RIFF", b"II*\0", b"MM\0*", b"\0\0\0\x0cjP")
"""The first bytes of files in most of these formats. A file that begins so and cannot be opened is a broken image."""

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
    """A file cannot be decoded: it is truncated, corrupt, too large or not an image.

    ``reason`` says why in a few words, for a list of such files. ``line`` is the error of this file alone.
    """

    def __init__(self, path: str, reason: str, line: str = "") -> None:
        super().__init__(path, reason, line)  # the arguments that unpickling passes to this function
        self.path = path
        self.reason = reason
        self.line = line or f"broken image ({reason}); replace it or remove it"

    def __str__(self) -> str:
        return f"{printable(self.path)}: {self.line}"


class ImageHeader(NamedTuple):
    """The upright size of an image; whether it has no colour, and more than 8 bits a pixel."""

    height: int
    width: int
    grey: bool
    deep: bool


def decode(path: Path, shape: Shape, white: int | None = None) -> Pixels:
    """One image file as uint8 (height, width, channels), exactly as training sees it.

    It takes the first frame, turns it upright by its EXIF tag, scales grey of more than 8 bits so that ``white``
    becomes 255 (None: the white level of this image alone) or puts transparency on white, converts it to grey
    (1 channel) or RGB (3), and stretches it to ``shape`` with an antialiased bilinear filter. 16-bit colour keeps its
    upper 8 bits.

    BrokenImageError names a file that is missing, not an image, broken or a decompression bomb.
    """
    content = read_file(str(path))
    with silence_pillow():
        return decode_bytes(str(path), content, shape, white)


def decode_bytes(path: str, content: bytes, shape: Shape, white: int | None = None) -> Pixels:
    """``decode`` for a file that has been read already. The caller silences Pillow."""
    with _decoding_errors(path, content):
        image = _open(path, content)
        image.load()
        turn = _TURNS.get(_read_orientation(image))
        return fit_image(image if turn is None else image.transpose(turn), shape, white)


def read_header(path: str, content: bytes) -> ImageHeader:
    """Size and colour of an image, without decoding it. The caller silences Pillow."""
    with _decoding_errors(path, content):
        image = _open(path, content)
        grey = image.mode in ("1", "L", "LA") or _is_deep(image)
        on_its_side = _read_orientation(image) >= 5
        height, width = (image.width, image.height) if on_its_side else (image.height, image.width)
        return ImageHeader(height, width, grey, _is_deep(image))


def read_range(path: str, content: bytes) -> PixelRange:
    """The range of an image of more than 8 bits."""
    with _decoding_errors(path, content):
        image = _open(path, content)
        pixels = np.asarray(image)
        if not (np.isfinite(pixels).all() and pixels.min() >= 0):
            raise ValueError("it has pixels below 0 or not finite")
        return PixelRange(float(pixels.max()), count_bits(pixels), image.mode == "F")


def fit_image(image: Image.Image, shape: Shape, white: int | None = None) -> Pixels:
    """An upright image of any mode as uint8 (height, width, channels)."""
    height, width, channels = shape
    if _is_deep(image):
        image = _scale_to_8_bits(image, white)
    elif image.has_transparency_data:
        image = _put_on_white(image)
    mode = "L" if channels == 1 else "RGB"
    if image.mode != mode:
        image = image.convert(mode)
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(image, dtype=np.uint8).reshape(shape)


def read_file(path: str) -> bytes:
    """The bytes of a file; BrokenImageError when it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        gone = isinstance(error, FileNotFoundError)
        reason = "does not exist" if gone else f"cannot be read ({error.strerror})"
        raise BrokenImageError(path, reason, f"{reason}; expected an image file{' or a folder' * gone}") from None


@contextmanager
def silence_pillow() -> Iterator[None]:
    """Silences Pillow's warnings. It must not be used inside threads, since Python's warning filters are global."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _open(path: str, content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content), formats=FORMATS)
    if image.width * image.height > MAX_PIXELS:
        raise Image.DecompressionBombError(f"it has {image.width * image.height / 1e6:,.0f} million pixels")
    return image


@contextmanager
def _decoding_errors(path: str, content: bytes) -> Iterator[None]:
    """Turns whatever Pillow raises into an error that names the file."""
    try:
        yield
    except Image.DecompressionBombError as error:
        line = f"expected at most {MAX_PIXELS:,} pixels, got more (a decompression bomb?); scale it down or remove it"
        limit = f", more than {MAX_PIXELS / 1e6:,.0f} million"
        raise BrokenImageError(path, f"{error}{limit}" if "million" in str(error) else "too large", line) from None
    except Exception as error:  # decoders raise OSError, SyntaxError, ValueError, struct.error and others
        unidentified = isinstance(error, UnidentifiedImageError)
        if unidentified and content and not content.startswith(_SIGNATURES):
            line = f"not an image; expected {FORMAT_NAMES}; convert it or remove it"
            raise BrokenImageError(path, "not an image", line) from None
        unread = "its header cannot be read" if content else "the file is empty"
        raise BrokenImageError(path, unread if unidentified else printable(error)) from None


def _read_orientation(image: Image.Image) -> int:
    if "exif" not in image.info:
        return 1
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except (SyntaxError, ValueError, TypeError, OSError, struct.error):  # a damaged tag, not a damaged picture
        return 1


def _is_deep(image: Image.Image) -> bool:
    return image.mode == "F" or image.mode.startswith("I")


def _scale_to_8_bits(image: Image.Image, white: int | None) -> Image.Image:
    # Pillow's own convert("L") clips 16 bits at 255 instead of scaling them.
    pixels = np.asarray(image)
    level = white_level(float(pixels.max()), image.mode == "F") if white is None else white
    return Image.fromarray(to_bytes(pixels, level))


def _put_on_white(image: Image.Image) -> Image.Image:
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
