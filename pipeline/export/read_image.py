"""Reads image files as the model was trained to see them. Copied beside exported models: it needs NumPy and Pillow."""

import math
from contextlib import suppress
from typing import Any

import numpy as np
from PIL import Image, ImageOps


def read_image(file: Any, mode: str, white: int | None = None, size: tuple[int, int] | None = None) -> Any:
    """The pixels of a file, a path or a stream, uint8 (height, width, channels): grey for mode L, colour for RGB.

    It is turned upright by its EXIF tag, transparency is put on white. Of pixels with more than 8 bits, ``white``
    becomes 255; without it, a level that follows from the highest pixel. ``size`` (width, height) is what the image is
    stretched to, for models of one size. ValueError says in a few words why a file is no image.
    """
    try:
        image: Image.Image = Image.open(file)
        image.load()
        if "exif" in image.info:
            with suppress(Exception):  # a damaged tag, not a damaged picture
                image = ImageOps.exif_transpose(image)
        if image.mode[0] in "IF":
            pixels = np.asarray(image).astype(float)
            level = white or _white_level(float(pixels.max()), image.mode == "F")
            image = Image.fromarray(np.clip(np.rint(pixels * (255 / level)), 0, 255).astype(np.uint8))
        elif image.has_transparency_data:
            backdrop = Image.new("RGBA", image.size, "white")
            image = Image.alpha_composite(backdrop, image.convert("RGBA")).convert("RGB")
        image = image.convert(mode)
        return np.atleast_3d(np.asarray(image.resize(size, Image.Resampling.BILINEAR) if size else image))
    except Exception as error:  # decoders raise anything
        raise ValueError(str(error)) from None


def _white_level(highest: float, floats: bool) -> int:
    """Floats up to 2 are in 0..1, up to 510 in 0..255; everything else uses whole bits, 8 or more."""
    for white in (1, 255) if floats else ():
        if highest <= 2 * white:
            return white
    return int(2 ** max(8, math.ceil(highest).bit_length()) - 1)
