"""A look at a network as pictures with captions of their own, for where no page is: slides, a list of artifacts."""

import textwrap
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import matplotlib
from PIL import Image, ImageDraw, ImageFont

from pipeline.report.look import words
from pipeline.report.look.draw import Drawn
from pipeline.training.look.seen import Look, Sight

_MARGIN, _SPACE = 20, 18
_INK, _QUIET, _PAPER, _FILL, _TRACK = "#1c2126", "#5b6570", "#ffffff", "#2f74c0", "#eef1f4"
_TITLE, _TEXT = 17, 12
"""Letter sizes in pixels."""

_NARROW, _WIDE, _NAME = 34, 140, 24
"""Letters in a line: under a panel, over a grid, of a class's name."""

_TRACK_WIDTH, _BAR, _STEP = 200, 13, 21
"""A class's bar: its whole length, its height, and from bar to bar."""


def filters_sheet(look: Look, drawn: Image.Image) -> Image.Image:
    """The first filters under their caption."""
    return _page([_text(f"What {look.name} sees", _TITLE), _over(words.of_filters(look.filters), drawn)])


def sight_sheet(look: Look, sight: Sight, drawn: Drawn) -> Image.Image:
    """One image: as it goes in, the receptive field and the shares of the classes, and Grad-CAM below."""
    height, width = sight.image.shape[:2]
    first = [
        _under(drawn.image, f"As the network sees it: {height}x{width}"),
        _under(drawn.field, words.of_field(sight.field)),
    ]
    if len(sight.shares):
        first.append(_bars(look, sight))
    blocks = [_title(look, sight), _row(first)]
    if sight.heats:
        pairs = zip(sight.heats, drawn.heats, strict=True)
        heats = [_under(picture, words.of_heat(look, sight, heat)) for heat, picture in pairs]
        blocks.append(_text(f"Grad-CAM at {sight.heats[0].layer}: where the evidence for a class lies", _TEXT + 2))
        blocks += [_row(heats[start : start + 4]) for start in range(0, len(heats), 4)]
    return _page(blocks)


def maps_sheet(look: Look, sight: Sight, drawn: Drawn) -> Image.Image:
    """The activation maps of one image, a block a convolution."""
    pairs = zip(sight.maps, drawn.maps, strict=True)
    blocks = [_over(words.of_maps(maps), picture) for maps, picture in pairs]
    return _page([_title(look, sight), *blocks])


def _title(look: Look, sight: Sight) -> Image.Image:
    verdict = words.verdict(look, sight)
    return _text(f"{sight.title}: {verdict}" if verdict else sight.title, _TITLE)


def _bars(look: Look, sight: Sight) -> Image.Image:
    shown, more, font = words.bars(look, sight), words.more_bars(look), _font(_TEXT)
    names = [name if len(name) <= _NAME else f"{name[: _NAME - 1]}…" for name, _ in shown]
    left = max(round(font.getlength(name)) for name in names) + 10
    picture = Image.new("RGB", (left + _TRACK_WIDTH + 50, _STEP * (len(shown) + bool(more)) + 2), _PAPER)
    pen = ImageDraw.Draw(picture)
    for place, (name, (_, share)) in enumerate(zip(names, shown, strict=True)):
        top = place * _STEP
        pen.text((0, top), name, _INK, font)
        pen.rectangle((left, top, left + _TRACK_WIDTH, top + _BAR), _TRACK)
        pen.rectangle((left, top, left + round(_TRACK_WIDTH * min(max(share, 0), 1)), top + _BAR), _FILL)
        pen.text((left + _TRACK_WIDTH + 8, top), f"{share:.3f}", _INK, font)
    pen.text((left, len(shown) * _STEP), more, _QUIET, font)
    return picture


def _under(picture: Image.Image, caption: str) -> Image.Image:
    return _column([picture, _text(caption, _TEXT, _NARROW, _QUIET)], 6)


def _over(caption: str, picture: Image.Image) -> Image.Image:
    return _column([_text(caption, _TEXT, _WIDE, _QUIET), picture], 4)


def _text(words: str, size: int, letters: int = 110, ink: str = _INK) -> Image.Image:
    lines = "\n".join(textwrap.wrap(words, letters)) or " "
    pen = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    _, _, right, bottom = pen.multiline_textbbox((0, 0), lines, _font(size))
    picture = Image.new("RGB", (int(right) + 2, int(bottom) + 4), _PAPER)
    ImageDraw.Draw(picture).multiline_text((0, 0), lines, ink, _font(size))
    return picture


def _row(blocks: Sequence[Image.Image]) -> Image.Image:
    size = sum(block.width for block in blocks) + _SPACE * (len(blocks) - 1), max(block.height for block in blocks)
    picture, left = Image.new("RGB", size, _PAPER), 0
    for block in blocks:
        picture.paste(block, (left, 0))
        left += block.width + _SPACE
    return picture


def _column(blocks: Sequence[Image.Image], space: int = _SPACE, margin: int = 0) -> Image.Image:
    width = max(block.width for block in blocks) + 2 * margin
    height = sum(block.height for block in blocks) + space * (len(blocks) - 1) + 2 * margin
    picture, top = Image.new("RGB", (width, height), _PAPER), margin
    for block in blocks:
        picture.paste(block, (margin, top))
        top += block.height + space
    return picture


def _page(blocks: Sequence[Image.Image]) -> Image.Image:
    return _column(blocks, margin=_MARGIN)


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which matplotlib brings: the one font that is everywhere."""
    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"), size)
