"""Pictures as PNG files, marked as files of an explanation."""

import base64
import io

from PIL import Image
from PIL.PngImagePlugin import PngInfo

MARK = "convtune explain"
"""Stands near the beginning of every file of an explanation: such files may be replaced by a new explanation."""

_COMPRESSION = 1
"""zlib's level: half the time of the default, files a quarter larger (measured)."""


def png(picture: Image.Image) -> bytes:
    """The content of a PNG file."""
    file, metadata = io.BytesIO(), PngInfo()
    metadata.add_text("Software", MARK)
    picture.save(file, "PNG", compress_level=_COMPRESSION, pnginfo=metadata)
    return file.getvalue()


def data_uri(picture: Image.Image) -> str:
    """The PNG file as a ``data:`` URI, which holds it inside a page."""
    return f"data:image/png;base64,{base64.b64encode(png(picture)).decode()}"
