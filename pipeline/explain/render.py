"""Draws the arrays of an explanation as pictures without text. The longer side of images and of tiles is fixed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import colormaps
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from pipeline.explain.explanation import ActivationMaps, ClassHeatmap, Filters, ImageExplanation, ReceptiveField

PANEL = 224
"""Longer side of an image, in pixels."""

TILE = 60
"""Longer side of a filter or an activation map in a grid, in pixels."""

_GAP = 4
"""Pixels between the tiles of a grid."""

_COLUMNS = 16
"""Tiles in a row of a grid."""

_LEVELS = 255
"""Colours of activation maps; the one that is left of a byte is the background between the tiles."""

_BACKGROUND = (255, 255, 255)

_ZERO_WEIGHT = 128
"""The grey of a weight of 0."""

_OUTLINE = (255, 214, 0)
"""Yellow, the frame of a receptive field."""

_HALO = (0, 0, 0)
"""Black, around the yellow frame, so that it is seen on a bright image too."""

_DIMMED = 0.35
"""Brightness of the image outside of the receptive field."""

_LOW_OPACITY = 0.45
"""Opacity of the heatmap's colour where the heatmap is 0."""

_HIGH_OPACITY = 0.8
"""Opacity of the heatmap's colour where the heatmap is 1."""


@dataclass(frozen=True, eq=False)
class RenderedImages:
    """The pictures of one explained image: one heatmap per class and one grid of activation maps per convolution."""

    image: Image.Image
    receptive_field: Image.Image
    heatmaps: tuple[Image.Image, ...]
    activation_maps: tuple[Image.Image, ...]


def render(image: ImageExplanation) -> RenderedImages:
    """Draws everything about one image once, for the page and for the contact sheets."""
    return RenderedImages(
        render_panel(image.image),
        render_receptive_field(image.image, image.receptive_field),
        tuple(render_heatmap(image.image, heatmap) for heatmap in image.heatmaps),
        tuple(render_activation_maps(maps) for maps in image.activation_maps),
    )


def render_panel(image: NDArray[np.uint8]) -> Image.Image:
    """An image (height, width, 1 or 3) as RGB, its longer side ``PANEL`` pixels.

    The pixels of a small image stay visible as squares.
    """
    rgb = np.repeat(image, 3, axis=2) if image.shape[2] == 1 else image
    return _resize(Image.fromarray(np.ascontiguousarray(rgb)), PANEL)


def render_receptive_field(image: NDArray[np.uint8], field: ReceptiveField) -> Image.Image:
    """The image with a frame around the receptive field, and dark outside of it."""
    panel = np.asarray(render_panel(image))
    height, width = image.shape[:2]
    down, across = panel.shape[0] / height, panel.shape[1] / width
    top, left, bottom, right = field.box
    box = [round(left * across), round(top * down), round(right * across) - 1, round(bottom * down) - 1]
    seen = np.zeros(panel.shape[:2], bool)
    seen[box[1] : box[3] + 1, box[0] : box[2] + 1] = True
    picture = Image.fromarray(np.where(seen[..., None], panel, panel * _DIMMED).astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    draw.rectangle(box, outline=_HALO, width=4)
    draw.rectangle([box[0] + 1, box[1] + 1, box[2] - 1, box[3] - 1], outline=_OUTLINE, width=2)
    return picture


def render_heatmap(image: NDArray[np.uint8], heatmap: ClassHeatmap) -> Image.Image:
    """The image in grey under its heatmap, which goes from dark purple (0) to bright yellow (1).

    The grey shows most where the heatmap is 0.
    """
    grey = np.asarray(render_panel(image).convert("L"), np.float32)[..., None]
    size = grey.shape[1], grey.shape[0]
    smooth = Image.fromarray(heatmap.values.astype(np.float32)).resize(size, Image.Resampling.BICUBIC)
    level = np.clip(np.asarray(smooth), 0, 1)
    opacity = (_LOW_OPACITY + (_HIGH_OPACITY - _LOW_OPACITY) * level)[..., None]
    colours = colormaps["inferno"](0.15 + 0.8 * level)[..., :3] * 255
    return Image.fromarray(((1 - opacity) * grey + opacity * colours).clip(0, 255).astype(np.uint8))


def render_filters(filters: Filters) -> Image.Image:
    """A grid of filters, one scale per filter: its largest weight is black or white, and middle grey is 0.

    Filters of three channels are one RGB tile each. Others are one grey tile (mode L) per channel, with one row of
    tiles per channel.
    """
    kernels = np.moveaxis(filters.kernels, -1, 0)
    largest = np.abs(kernels).max(axis=(1, 2, 3), keepdims=True)
    levels = _ZERO_WEIGHT + 127 * kernels / np.where(largest > 0, largest, 1)
    pixels = levels.round().astype(np.uint8)
    if filters.depth == 3:
        return _grid([_framed_tile(kernel) for kernel in pixels], _COLUMNS)
    channels = pixels.shape[-1]
    tiles = [_framed_tile(kernel[..., channel]) for channel in range(channels) for kernel in pixels]
    return _grid(tiles, _COLUMNS if channels == 1 else len(pixels))


def render_activation_maps(maps: ActivationMaps) -> Image.Image:
    """A grid of activation maps, one tile per channel, all on one scale: the lowest value is dark, the highest bright.

    The picture has a palette (mode P), which makes a file a third as large as in RGB.
    """
    low, high = float(maps.values.min()), float(maps.values.max())
    levels = (maps.values - low) / (high - low) if high > low else np.zeros_like(maps.values)
    pixels = (levels * (_LEVELS - 1)).round().astype(np.uint8)
    tiles = [Image.fromarray(np.ascontiguousarray(pixels[:, :, channel])) for channel in range(pixels.shape[2])]
    grid = _grid(tiles, _COLUMNS)
    colours = (colormaps["viridis"].resampled(_LEVELS)(np.arange(_LEVELS))[:, :3] * 255).astype(np.uint8)
    grid.putpalette([*colours.ravel().tolist(), *_BACKGROUND])
    return grid


def _grid(tiles: Sequence[Image.Image], columns: int) -> Image.Image:
    resized = [_resize(tile, TILE) for tile in tiles]
    width, height = resized[0].size
    rows, across = math.ceil(len(resized) / columns), min(columns, len(resized))
    size = across * (width + _GAP) - _GAP, rows * (height + _GAP) - _GAP
    grid = Image.new(resized[0].mode, size, _BACKGROUND if resized[0].mode == "RGB" else _BACKGROUND[0])
    for index, tile in enumerate(resized):
        grid.paste(tile, ((index % columns) * (width + _GAP), (index // columns) * (height + _GAP)))
    return grid


def _framed_tile(pixels: NDArray[np.uint8]) -> Image.Image:
    """A filter's tile with a grey frame; without it, white weights at the edge look like the background."""
    tile = _resize(Image.fromarray(np.ascontiguousarray(pixels)), TILE)
    colour = (_ZERO_WEIGHT,) * 3 if tile.mode == "RGB" else _ZERO_WEIGHT
    ImageDraw.Draw(tile).rectangle((0, 0, tile.width - 1, tile.height - 1), outline=colour)
    return tile


def _resize(picture: Image.Image, side: int) -> Image.Image:
    """Resizes to a longer side of ``side`` pixels: enlarges pixels to squares, shrinks with a Lanczos filter."""
    scale = side / max(picture.size)
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    return picture.resize(size, Image.Resampling.NEAREST if scale > 1 else Image.Resampling.LANCZOS)
