"""An explanation as one HTML page that holds its pictures and opens anywhere, offline and without scripts."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from PIL import Image

from pipeline.explain import captions
from pipeline.explain.explanation import Explanation, ImageExplanation
from pipeline.explain.png import MARK, data_uri
from pipeline.explain.render import RenderedImages

_UNFOLDED = 12
"""Convolutions whose activation maps are unfolded from the start."""


@dataclass(frozen=True)
class Figure:
    """A picture as a ``data:`` URI, its size in pixels, and its caption."""

    source: str
    width: int
    height: int
    caption: str

    @classmethod
    def of(cls, picture: Image.Image, caption: str) -> "Figure":
        """The figure of a picture."""
        return cls(data_uri(picture), picture.width, picture.height, caption)


@dataclass(frozen=True)
class Section:
    """The part of the page on one image: texts and figures, ready for the template."""

    title: str
    prediction: str
    correct: bool | None
    panels: tuple[Figure, ...]
    classes: tuple[tuple[str, float], ...]
    other_classes: str
    heatmap_layer: str
    heatmaps: tuple[Figure, ...]
    maps_heading: str
    maps_unfolded: bool
    maps: tuple[Figure, ...]


def build_section(explanation: Explanation, image: ImageExplanation, rendered: RenderedImages) -> Section:
    """The section on one image, from its pictures."""
    height, width = image.image.shape[:2]
    field = captions.describe_receptive_field(image.receptive_field)
    heatmaps = zip(rendered.heatmaps, image.heatmaps, strict=True)
    maps = zip(rendered.activation_maps, image.activation_maps, strict=True)
    return Section(
        title=image.title,
        prediction=captions.describe_prediction(explanation, image),
        correct=image.correct,
        panels=(
            Figure.of(rendered.image, f"As the network sees it: {height}x{width}"),
            Figure.of(rendered.receptive_field, field),
        ),
        classes=tuple(captions.top_classes(explanation, image)),
        other_classes=captions.describe_other_classes(explanation),
        heatmap_layer=image.heatmaps[0].layer if image.heatmaps else "",
        heatmaps=tuple(
            Figure.of(picture, captions.describe_heatmap(explanation, image, heatmap)) for picture, heatmap in heatmaps
        ),
        maps_heading=captions.describe_convolutions(image),
        maps_unfolded=len(image.activation_maps) <= _UNFOLDED,
        maps=tuple(Figure.of(picture, captions.describe_activation_maps(values)) for picture, values in maps),
    )


def render_page(explanation: Explanation, filters: Image.Image, sections: Sequence[Section]) -> str:
    """The whole page: the picture of the first filters, then one section per image."""
    return load_template("pipeline.explain").render(
        mark=MARK,
        title=f"What {explanation.name} sees",
        facts=" ".join([captions.describe_model(explanation), *explanation.notes]),
        filters=Figure.of(filters, captions.describe_filters(explanation.filters)),
        sections=sections,
    )


@cache
def load_template(package: str) -> Template:
    """The template ``page.html.j2`` of a package; it escapes whatever is put into it."""
    environment = Environment(
        loader=PackageLoader(package, ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("page.html.j2")
