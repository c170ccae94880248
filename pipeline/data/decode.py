"""One image file to one array, the same for training and for prediction."""

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

from pipeline.errors import DataError

Pixels = NDArray[np.uint8]
Shape = tuple[int, int, int]

EXTENSIONS = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp")
FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP")
SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG", b"BM", b"GIF8", b"RIFF")
LARGEST = 89_478_485  # pixels: a quarter of a GiB as RGB, where Pillow begins to warn of a bomb

_ORIENTATION = 0x0112  # EXIF 2.32, 4.6.4 A: how the camera was held, 1 to 8
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class BrokenImage(DataError):
    """A file of a real image format that is truncated or corrupt; ``reason`` says how."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)  # what pickling gives back to this function
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"{shown(self.path)}: broken image ({self.reason}); replace it or remove it"


class Header(NamedTuple):
    """What an image's header tells: its upright size, and whether it has no colour."""

    height: int
    width: int
    grey: bool


def decode(path: Path, shape: Shape) -> Pixels:
    """One image file as ``uint8 (h, w, c)``, exactly as training saw it.

    The first frame, turned upright by its EXIF tag, 16 bits scaled to 8, transparency on white, then grey (c = 1) or
    RGB (c = 3), stretched to ``shape`` with an antialiased bilinear filter. Colour of 16 bits keeps its upper 8.
    A DataError names a file that is missing, no image, broken or a decompression bomb.
    """
    content = read(str(path))
    with quiet():
        return pixels(str(path), content, shape)


def pixels(path: str, content: bytes, shape: Shape) -> Pixels:
    """``decode`` of a file already read; the caller keeps Pillow ``quiet``."""
    with _faults(path, content):
        image = _open(path, content)
        image.load()
        turn = _TURNS.get(_orientation(image))
        return fit(image if turn is None else image.transpose(turn), shape)


def header(path: str, content: bytes) -> Header:
    """Size and colour of an image that is not decoded yet; the caller keeps Pillow ``quiet``."""
    with _faults(path, content):
        image = _open(path, content)
        grey = image.mode in ("1", "L", "LA", "I") or image.mode.startswith("I;16")
        on_its_side = _orientation(image) >= 5
        height, width = (image.width, image.height) if on_its_side else (image.height, image.width)
        return Header(height, width, grey)


def fit(image: Image.Image, shape: Shape) -> Pixels:
    """An upright image of any mode as ``uint8 (h, w, c)``."""
    height, width, channels = shape
    if image.mode.startswith("I"):
        image = _eight_bits(image)
    elif image.has_transparency_data:
        image = _on_white(image)
    mode = "L" if channels == 1 else "RGB"
    if image.mode != mode:
        image = image.convert(mode)
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(image, dtype=np.uint8).reshape(shape)


def read(path: str) -> bytes:
    """A file's bytes; a DataError where there is none to read."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise DataError(f"{shown(path)}: cannot be read ({error.strerror}); expected an image file") from None


def shown(path: object) -> str:
    """A path or name fit for one line of a terminal, whatever bytes a file system let into it."""
    return "".join(letter if letter.isprintable() else "?" for letter in str(path))


@contextmanager
def quiet() -> Iterator[None]:
    """Nothing that Pillow warns of is shown. Not for use inside threads: Python's warning filters are global."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _open(path: str, content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content), formats=FORMATS)
    if image.width * image.height > LARGEST:
        raise Image.DecompressionBombError(f"{image.width} x {image.height} pixels")
    return image


@contextmanager
def _faults(path: str, content: bytes) -> Iterator[None]:
    try:
        yield
    except Image.DecompressionBombError:
        raise DataError(
            f"{shown(path)}: expected at most {LARGEST:,} pixels, got more (a decompression bomb?); "
            "scale it down or remove it"
        ) from None
    except Exception as error:  # whatever trips a decoder: OSError, SyntaxError, ValueError, struct.error, ...
        if isinstance(error, UnidentifiedImageError) and content and not content.startswith(SIGNATURES):
            raise DataError(
                f"{shown(path)}: no image; expected JPEG, PNG, BMP, GIF or WebP; convert it or remove it"
            ) from None
        unread = "its header cannot be read" if content else "the file is empty"
        reason = unread if isinstance(error, UnidentifiedImageError) else shown(error)
        raise BrokenImage(path, reason) from None


def _orientation(image: Image.Image) -> int:
    if "exif" not in image.info:
        return 1
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except (SyntaxError, ValueError, TypeError, OSError, struct.error):  # a damaged tag, not a damaged picture
        return 1


def _eight_bits(image: Image.Image) -> Image.Image:
    # Pillow's own convert("L") clips 16 bits at 255 instead of scaling them
    wide = np.clip(np.asarray(image).astype(np.int64), 0, 65535)
    return Image.fromarray(((wide + 128) // 257).astype(np.uint8))


def _on_white(image: Image.Image) -> Image.Image:
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
