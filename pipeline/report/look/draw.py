"""Arrays of a look at a network as pictures without text: images and tiles whose longest side is always the same."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import colormaps
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from pipeline.training.look.seen import Field, Filters, Heat, Maps, Sight

PANEL = 224
"""Longest side of an image, in pixels."""

TILE = 60
"""Longest side of a filter or map in a grid."""

_GAP, _COLUMNS = 4, 16
_LEVELS = 255
"""Of a map; the one that is left of a byte is the paper between the tiles."""

_PAPER = (255, 255, 255)
_NO_FILTER = 128
"""Grey: a weight of 0."""

_OUTLINE, _HALO = (255, 214, 0), (0, 0, 0)
_DIMMED = 0.35
_THIN, _THICK = 0.45, 0.8
"""How much the colour of the lowest and of the highest heat covers the image."""


@dataclass(frozen=True, eq=False)
class Drawn:
    """The pictures of a sight: its image, the receptive field, one a class of Grad-CAM, one a convolution's maps."""

    image: Image.Image
    field: Image.Image
    heats: tuple[Image.Image, ...]
    maps: tuple[Image.Image, ...]


def drawn(sight: Sight) -> Drawn:
    """All of a sight, drawn once for the page and for the pictures beside it."""
    return Drawn(
        panel(sight.image),
        field_panel(sight.image, sight.field),
        tuple(heat_panel(sight.image, heat) for heat in sight.heats),
        tuple(map_grid(maps) for maps in sight.maps),
    )


def panel(image: NDArray[np.uint8]) -> Image.Image:
    """An image (height, width, 1 or 3), RGB, its longer side ``PANEL`` long; its own pixels stay visible as squares."""
    colours = np.repeat(image, 3, axis=2) if image.shape[2] == 1 else image
    return _sized(Image.fromarray(np.ascontiguousarray(colours)), PANEL)


def field_panel(image: NDArray[np.uint8], field: Field) -> Image.Image:
    """The image, dark where the unit does not see it, with an outline around what it sees."""
    picture = np.asarray(panel(image))
    height, width = image.shape[:2]
    down, across = picture.shape[0] / height, picture.shape[1] / width
    top, left, bottom, right = field.box
    inner = [round(left * across), round(top * down), round(right * across) - 1, round(bottom * down) - 1]
    seen = np.zeros(picture.shape[:2], bool)
    seen[inner[1] : inner[3] + 1, inner[0] : inner[2] + 1] = True
    drawn = Image.fromarray(np.where(seen[..., None], picture, picture * _DIMMED).astype(np.uint8))
    pen = ImageDraw.Draw(drawn)
    pen.rectangle(inner, outline=_HALO, width=4)
    pen.rectangle([inner[0] + 1, inner[1] + 1, inner[2] - 1, inner[3] - 1], outline=_OUTLINE, width=2)
    return drawn


def heat_panel(image: NDArray[np.uint8], heat: Heat) -> Image.Image:
    """The image in grey under its heat: from dark purple (0), where the grey shows most, to bright yellow (1)."""
    grey = np.asarray(panel(image).convert("L"), np.float32)[..., None]
    size = grey.shape[1], grey.shape[0]
    smooth = Image.fromarray(heat.values.astype(np.float32)).resize(size, Image.Resampling.BICUBIC)
    level = np.clip(np.asarray(smooth), 0, 1)
    cover = (_THIN + (_THICK - _THIN) * level)[..., None]
    colours = colormaps["inferno"](0.15 + 0.8 * level)[..., :3] * 255
    return Image.fromarray(((1 - cover) * grey + cover * colours).clip(0, 255).astype(np.uint8))


def filter_grid(filters: Filters) -> Image.Image:
    """A tile a filter: RGB where there are three channels, else a grey one a channel (mode L), the channels in rows.

    Middle grey is 0, and the border of each; every filter is stretched to its own largest weight.
    """
    kernels = np.moveaxis(filters.kernels, -1, 0)
    largest = np.abs(kernels).max(axis=(1, 2, 3), keepdims=True)
    levels = _NO_FILTER + 127 * kernels / np.where(largest > 0, largest, 1)
    pixels = levels.round().astype(np.uint8)
    if filters.depth == 3:
        return _grid([_framed(one) for one in pixels], _COLUMNS)
    grey = [_framed(one[..., channel]) for channel in range(pixels.shape[-1]) for one in pixels]
    return _grid(grey, _COLUMNS if pixels.shape[-1] == 1 else len(pixels))


def map_grid(maps: Maps) -> Image.Image:
    """A tile a channel, all on one scale: from dark (the lowest value of the layer) to bright (its highest).

    In a palette (mode P), which makes a file a third as large as in RGB.
    """
    low, high = float(maps.values.min()), float(maps.values.max())
    levels = (maps.values - low) / (high - low) if high > low else np.zeros_like(maps.values)
    pixels = (levels * (_LEVELS - 1)).round().astype(np.uint8)
    tiles = [Image.fromarray(np.ascontiguousarray(pixels[:, :, channel])) for channel in range(pixels.shape[2])]
    grid = _grid(tiles, _COLUMNS)
    colours = (colormaps["viridis"].resampled(_LEVELS)(np.arange(_LEVELS))[:, :3] * 255).astype(np.uint8)
    grid.putpalette([*colours.ravel().tolist(), *_PAPER])
    return grid


def _grid(tiles: Sequence[Image.Image], columns: int) -> Image.Image:
    sized = [_sized(tile, TILE) for tile in tiles]
    width, height = sized[0].size
    rows = math.ceil(len(sized) / columns)
    across = min(columns, len(sized))
    size = across * (width + _GAP) - _GAP, rows * (height + _GAP) - _GAP
    sheet = Image.new(sized[0].mode, size, _PAPER if sized[0].mode == "RGB" else _PAPER[0])
    for place, tile in enumerate(sized):
        sheet.paste(tile, ((place % columns) * (width + _GAP), (place // columns) * (height + _GAP)))
    return sheet


def _framed(pixels: NDArray[np.uint8]) -> Image.Image:
    """A filter's tile with a border, since white weights at its edge look like the paper."""
    tile = _sized(Image.fromarray(np.ascontiguousarray(pixels)), TILE)
    colour = (_NO_FILTER,) * 3 if tile.mode == "RGB" else _NO_FILTER
    ImageDraw.Draw(tile).rectangle((0, 0, tile.width - 1, tile.height - 1), outline=colour)
    return tile


def _sized(picture: Image.Image, side: int) -> Image.Image:
    """With its longer side ``side`` long: larger by whole squares, smaller by averaging."""
    scale = side / max(picture.size)
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    return picture.resize(size, Image.Resampling.NEAREST if scale > 1 else Image.Resampling.LANCZOS)
