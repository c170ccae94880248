"""A look at a network as one HTML page that holds its pictures and opens anywhere, offline and without scripts."""

import base64
import io
from collections.abc import Iterator, Sequence
from html import escape

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from pipeline.report.look import words
from pipeline.report.look.draw import Drawn
from pipeline.training.look.seen import Look, Sight

_STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; color: #1c2126; background: #fff;
  max-width: 1080px; margin: 0 auto; padding: 24px 28px 60px; }
h1 { font-size: 25px; margin: 0 0 2px; } h2 { font-size: 20px; margin: 38px 0 4px; padding-top: 14px;
  border-top: 1px solid #d8dde3; } h3 { font-size: 15px; margin: 22px 0 8px; }
p { margin: 4px 0; max-width: 100ch; } .quiet { color: #5b6570; font-size: 13.5px; }
nav { margin: 14px 0 0; } nav a { margin-right: 16px; color: #0b5cad; } a { color: #0b5cad; }
.row { display: flex; flex-wrap: wrap; gap: 18px 20px; align-items: flex-start; }
figure { margin: 0; } figcaption { font-size: 13px; color: #3c454e; margin-top: 5px; max-width: 224px;
  overflow-wrap: anywhere; } .wide { margin: 0 0 16px; } .wide figcaption { max-width: none; margin: 0 0 4px; }
img { display: block; max-width: 100%; height: auto; border-radius: 2px; }
.bars { border-collapse: collapse; font-size: 13.5px; } .bars td { padding: 1px 8px 1px 0; vertical-align: middle; }
.bars .name { max-width: 200px; overflow-wrap: anywhere; } .bars .number { font-variant-numeric: tabular-nums; }
.track { width: 220px; background: #eef1f4; } .fill { height: 13px; background: #2f74c0; }
.right { color: #1b6e38; } .wrong { color: #a92a1f; }
summary { cursor: pointer; font-weight: 600; margin: 22px 0 10px; }
"""

_OPEN = 12
"""Convolutions whose maps are unfolded from the start."""

_COMPRESSION = 1

MARK = "convtune look"
"""Stands near the beginning of every file of a look, which can be replaced for that."""


def page(look: Look, filters: Image.Image, sections: Sequence[str]) -> str:
    """The whole page: the drawn filters, then a ``section`` a sight."""
    title = f"What {look.name} sees"
    body = "\n".join([*_head(look, title), *_filters(look, filters), *sections])
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="generator" content="{MARK}">\n<title>{escape(title)}</title>\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<style>{_STYLE}</style>\n</head>\n'
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def section(look: Look, sight: Sight, drawn: Drawn, place: int) -> str:
    """The part of the page on one sight, the ``place``-th from 1."""
    return "\n".join(_section(look, sight, drawn, place))


def _head(look: Look, title: str) -> Iterator[str]:
    yield f"<h1>{escape(title)}</h1>"
    layers = len(look.sights[0].maps) if look.sights else 0
    classes = f", {len(look.classes):,} classes" if look.classes else ""
    facts = f"{look.parameters:,} parameters, {layers} convolution{'s' if layers != 1 else ''}{classes}."
    yield f'<p class="quiet">{escape(" ".join([facts, *look.notes]))}</p>'
    links = [f'<a href="#image-{place}">{escape(sight.title)}</a>' for place, sight in enumerate(look.sights, start=1)]
    yield f'<nav aria-label="Contents"><a href="#filters">First filters</a>{"".join(links)}</nav>'


def _filters(look: Look, drawn: Image.Image) -> Iterator[str]:
    yield '<h2 id="filters">First filters</h2>'
    yield "<p>What the first convolution looks for. Middle grey is a weight of 0; each filter has its own scale.</p>"
    yield _wide(drawn, words.of_filters(look.filters))


def _section(look: Look, sight: Sight, drawn: Drawn, place: int) -> Iterator[str]:
    yield f'<h2 id="image-{place}">{escape(sight.title)}</h2>'
    verdict = words.verdict(look, sight)
    if verdict:
        kind = verdict.partition(":")[0] if sight.label is not None else ""
        yield f'<p class="{kind}">{escape(verdict[0].upper() + verdict[1:])}.</p>'
    height, width = sight.image.shape[:2]
    yield '<div class="row">'
    yield _figure(drawn.image, f"As the network sees it: {height}x{width}")
    yield _figure(drawn.field, words.of_field(sight.field))
    yield from _bars(look, sight)
    yield "</div>"
    yield from _heats(look, sight, drawn)
    yield from _maps(sight, drawn)


def _bars(look: Look, sight: Sight) -> Iterator[str]:
    if not len(sight.shares):
        return
    yield '<figure><table class="bars">'
    for name, share in words.bars(look, sight):
        fill = f'<div class="track"><div class="fill" style="width:{100 * min(max(share, 0), 1):.1f}%"></div></div>'
        yield f'<tr><td class="name">{escape(name)}</td><td>{fill}</td><td class="number">{share:.3f}</td></tr>'
    yield f"</table><figcaption>{escape(words.more_bars(look))}</figcaption></figure>"


def _heats(look: Look, sight: Sight, drawn: Drawn) -> Iterator[str]:
    if not sight.heats:
        return
    yield "<h3>Grad-CAM: where the evidence for a class lies</h3>"
    yield (
        f'<p class="quiet">At {escape(sight.heats[0].layer)}. Bright yellow speaks most for the class, '
        "dark purple not at all; each picture has its own scale.</p>"
    )
    yield '<div class="row">'
    for heat, picture in zip(sight.heats, drawn.heats, strict=True):
        yield _figure(picture, words.of_heat(look, sight, heat))
    yield "</div>"


def _maps(sight: Sight, drawn: Drawn) -> Iterator[str]:
    unfolded = " open" if len(sight.maps) <= _OPEN else ""
    yield f"<details{unfolded}><summary>{words.of_all_maps(sight)}</summary>"
    yield '<p class="quiet">A tile a channel, from dark (low) to bright (high); one scale for all tiles of a layer.</p>'
    for maps, picture in zip(sight.maps, drawn.maps, strict=True):
        yield _wide(picture, words.of_maps(maps))
    yield "</details>"


def _figure(picture: Image.Image, caption: str) -> str:
    return f"<figure>{_image(picture, caption)}<figcaption>{escape(caption)}</figcaption></figure>"


def _wide(picture: Image.Image, caption: str) -> str:
    return f'<figure class="wide"><figcaption>{escape(caption)}</figcaption>{_image(picture, caption)}</figure>'


def _image(picture: Image.Image, text: str) -> str:
    content = base64.b64encode(png(picture)).decode()
    size = f'width="{picture.width}" height="{picture.height}"'
    return f'<img src="data:image/png;base64,{content}" {size} alt="{escape(text, quote=True)}">'


def png(picture: Image.Image) -> bytes:
    """The content of a PNG file, compressed little: in half the time, a quarter larger (measured)."""
    file, origin = io.BytesIO(), PngInfo()
    origin.add_text("Software", MARK)
    picture.save(file, "PNG", compress_level=_COMPRESSION, pnginfo=origin)
    return file.getvalue()
