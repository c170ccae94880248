"""Contact sheets: pictures that contain their captions, so that they can be read outside the page."""

import textwrap
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import matplotlib
from PIL import Image, ImageDraw, ImageFont

from pipeline.explain import captions
from pipeline.explain.explanation import Explanation, ImageExplanation
from pipeline.explain.render import RenderedImages

_MARGIN = 20
"""Pixels around a sheet."""

_SPACING = 18
"""Pixels between the blocks of a sheet."""

_TEXT_COLOUR, _CAPTION_COLOUR = "#1c2126", "#5b6570"
_BACKGROUND = "#ffffff"
_BAR_COLOUR, _TRACK_COLOUR = "#2f74c0", "#eef1f4"

_TITLE_SIZE, _HEADING_SIZE, _TEXT_SIZE = 17, 14, 12
"""Font sizes in pixels."""

_TITLE_LENGTH = 110
"""Characters in a line of a title."""

_PANEL_CAPTION_LENGTH = 34
"""Characters in a line of a caption under a panel."""

_GRID_CAPTION_LENGTH = 140
"""Characters in a line of a caption over a grid."""

_NAME_LENGTH = 24
"""Characters of a class name."""

_TRACK_LENGTH = 200
"""Pixels of the bar of a class with probability 1."""

_BAR_HEIGHT = 13
"""Pixels."""

_BAR_DISTANCE = 21
"""Pixels from the top of one bar to the top of the next."""

_HEATMAPS_PER_ROW = 4


def filters_contact_sheet(explanation: Explanation, filters: Image.Image) -> Image.Image:
    """The first filters under their caption."""
    title = _text(f"What {explanation.name} sees", _TITLE_SIZE)
    return _sheet([title, _with_caption_above(filters, captions.describe_filters(explanation.filters))])


def image_contact_sheet(explanation: Explanation, image: ImageExplanation, rendered: RenderedImages) -> Image.Image:
    """One image: as it enters the model, its receptive field and the probabilities, and Grad-CAM below."""
    height, width = image.image.shape[:2]
    panels = [
        _with_caption_below(rendered.image, f"As the network sees it: {height}x{width}"),
        _with_caption_below(rendered.receptive_field, captions.describe_receptive_field(image.receptive_field)),
    ]
    if image.probabilities.size:
        panels.append(_probability_bars(explanation, image))
    return _sheet([_title(explanation, image), _row(panels), *_heatmap_blocks(explanation, image, rendered)])


def activation_maps_contact_sheet(
    explanation: Explanation, image: ImageExplanation, rendered: RenderedImages
) -> Image.Image:
    """The activation maps of one image, one block per convolution."""
    pairs = zip(image.activation_maps, rendered.activation_maps, strict=True)
    blocks = [_with_caption_above(picture, captions.describe_activation_maps(maps)) for maps, picture in pairs]
    return _sheet([_title(explanation, image), *blocks])


def _title(explanation: Explanation, image: ImageExplanation) -> Image.Image:
    prediction = captions.describe_prediction(explanation, image)
    return _text(f"{image.title}: {prediction}" if prediction else image.title, _TITLE_SIZE)


def _heatmap_blocks(explanation: Explanation, image: ImageExplanation, rendered: RenderedImages) -> list[Image.Image]:
    if not image.heatmaps:
        return []
    panels = [
        _with_caption_below(picture, captions.describe_heatmap(explanation, image, heatmap))
        for heatmap, picture in zip(image.heatmaps, rendered.heatmaps, strict=True)
    ]
    starts = range(0, len(panels), _HEATMAPS_PER_ROW)
    heading = f"Grad-CAM at {image.heatmaps[0].layer}: where the evidence for a class lies"
    return [_text(heading, _HEADING_SIZE), *(_row(panels[start : start + _HEATMAPS_PER_ROW]) for start in starts)]


def _probability_bars(explanation: Explanation, image: ImageExplanation) -> Image.Image:
    """One row per class: name, bar and probability."""
    classes, others = captions.top_classes(explanation, image), captions.describe_other_classes(explanation)
    font = _font(_TEXT_SIZE)
    names = [name if len(name) <= _NAME_LENGTH else f"{name[: _NAME_LENGTH - 1]}…" for name, _ in classes]
    left = max(round(font.getlength(name)) for name in names) + 10
    size = left + _TRACK_LENGTH + 50, _BAR_DISTANCE * (len(classes) + bool(others)) + 2
    picture = Image.new("RGB", size, _BACKGROUND)
    draw = ImageDraw.Draw(picture)
    for index, (name, (_, probability)) in enumerate(zip(names, classes, strict=True)):
        top = index * _BAR_DISTANCE
        length = round(_TRACK_LENGTH * min(max(probability, 0), 1))
        draw.text((0, top), name, _TEXT_COLOUR, font)
        draw.rectangle((left, top, left + _TRACK_LENGTH, top + _BAR_HEIGHT), _TRACK_COLOUR)
        draw.rectangle((left, top, left + length, top + _BAR_HEIGHT), _BAR_COLOUR)
        draw.text((left + _TRACK_LENGTH + 8, top), f"{probability:.3f}", _TEXT_COLOUR, font)
    draw.text((left, len(classes) * _BAR_DISTANCE), others, _CAPTION_COLOUR, font)
    return picture


def _with_caption_below(picture: Image.Image, caption: str) -> Image.Image:
    return _column([picture, _text(caption, _TEXT_SIZE, _PANEL_CAPTION_LENGTH, _CAPTION_COLOUR)], 6)


def _with_caption_above(picture: Image.Image, caption: str) -> Image.Image:
    return _column([_text(caption, _TEXT_SIZE, _GRID_CAPTION_LENGTH, _CAPTION_COLOUR), picture], 4)


def _text(text: str, size: int, line_length: int = _TITLE_LENGTH, colour: str = _TEXT_COLOUR) -> Image.Image:
    lines = "\n".join(textwrap.wrap(text, line_length)) or " "
    draw = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    _, _, right, bottom = draw.multiline_textbbox((0, 0), lines, _font(size))
    picture = Image.new("RGB", (int(right) + 2, int(bottom) + 4), _BACKGROUND)
    ImageDraw.Draw(picture).multiline_text((0, 0), lines, colour, _font(size))
    return picture


def _row(blocks: Sequence[Image.Image]) -> Image.Image:
    width = sum(block.width for block in blocks) + _SPACING * (len(blocks) - 1)
    picture, left = Image.new("RGB", (width, max(block.height for block in blocks)), _BACKGROUND), 0
    for block in blocks:
        picture.paste(block, (left, 0))
        left += block.width + _SPACING
    return picture


def _column(blocks: Sequence[Image.Image], spacing: int = _SPACING, margin: int = 0) -> Image.Image:
    width = max(block.width for block in blocks) + 2 * margin
    height = sum(block.height for block in blocks) + spacing * (len(blocks) - 1) + 2 * margin
    picture, top = Image.new("RGB", (width, height), _BACKGROUND), margin
    for block in blocks:
        picture.paste(block, (margin, top))
        top += block.height + spacing
    return picture


def _sheet(blocks: Sequence[Image.Image]) -> Image.Image:
    return _column(blocks, margin=_MARGIN)


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which comes with matplotlib, so it is the same on every machine."""
    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"), size)
