"""A sheet of the test images that the best model gets most confidently wrong."""

import math
from collections.abc import Sequence
from pathlib import PurePosixPath

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.data.decode import Pixels
from pipeline.report.evaluated_model import WrongImage
from pipeline.report.plots.figure import RED, blank_figure, shorten

_COLUMNS = 6
_LINE = 25
"""Characters of a line below an image."""


def draw_wrong(wrong: Sequence[WrongImage], images: Sequence[Pixels]) -> Figure | None:
    """The images, each (height, width, channels) as the network sees it, with what they are and were taken for.

    None where there are none.
    """
    if not wrong:
        return None
    columns, rows = min(_COLUMNS, len(wrong)), math.ceil(len(wrong) / _COLUMNS)
    height, width, _ = images[0].shape
    tall = min(2.0, max(0.5, height / width))
    figure = blank_figure(max(4.5, 1.75 * columns), 0.5 + (0.62 + 1.5 * tall) * rows)
    panels = figure.subplots(rows, columns, squeeze=False)
    for axes in panels.flat:
        axes.set_axis_off()
    for axes, mistake, image in zip(panels.flat, wrong, images, strict=False):
        _draw(axes, mistake, image)
    return figure


def _draw(axes: Axes, mistake: WrongImage, image: Pixels) -> None:
    grey = image.shape[2] == 1
    axes.imshow(image[:, :, 0] if grey else image, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    taken = f"{shorten(mistake.predicted, _LINE - 7)} {mistake.probability:.2f}"
    lines = [
        (shorten_path(mistake.file), "#333333"),
        (f"is {shorten(mistake.true, _LINE - 3)}", "#333333"),
        (f"→ {taken}", RED),
    ]
    for line, (text, colour) in enumerate(lines):
        axes.annotate(
            text,
            (0.5, 0),
            (0, -4 - 10 * line),
            "axes fraction",
            textcoords="offset points",
            fontsize=7.5,
            color=colour,
            ha="center",
            va="top",
            annotation_clip=False,
        )


def shorten_path(path: str) -> str:
    """The path in at most 25 characters: whole, else the name of its folder and the end of its own.

    >>> shorten_path("test/golden_retriever/n02099601_100.jpg")
    'gol…ver/n02099601_100.jpg'
    """
    if len(path) <= _LINE:
        return shorten(path, _LINE)
    pure = PurePosixPath(path)
    name = shorten(pure.name, _LINE - 7)
    return f"{shorten(pure.parent.name, _LINE - 1 - len(name))}/{name}" if pure.parent.name else name
