"""``model_card.md``: what an exported model is, how good it is, and what it is not for.

The headings follow Mitchell et al., "Model Cards for Model Reporting", FAT* 2019.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from pipeline.errors import printable
from pipeline.export.export import ExportResult
from pipeline.export.export_folder import script_name
from pipeline.export.formats import FORMATS
from pipeline.markdown import escape
from pipeline.metrics import METRICS
from pipeline.metrics.interval import Interval
from pipeline.study.model_metadata import ModelMetadata

_MOST_CLASSES = 200
"""Classes that are listed."""


@dataclass(frozen=True)
class CardFacts:
    """What a model card says beside the metadata and the exported files.

    ``evaluation`` is ``metrics.evaluation.Evaluation.as_dict()`` on the images that ``measured_on`` describes, None for
    a model whose data is not at hand. ``on_test`` says whether these are the test images of the data that it was
    trained on.

    The others are empty for a model without its study: ``params`` are those of the trial, ``search`` says in a sentence
    what was searched, ``command`` repeats it, and ``versions`` are those of Python and the packages with which the
    study tested its best model. ``caveat`` goes on after "It was", for a model that was not trained to its end.
    """

    evaluation: Mapping[str, Any] | None
    measured_on: str
    params: Mapping[str, Any] = field(default_factory=dict)
    search: str = ""
    command: str = ""
    caveat: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    on_test: bool = False

    @property
    def test_scores(self) -> dict[str, float]:
        """The scores on the test images of the model's own data, by metric; none if it was measured on others."""
        scores = self.evaluation["scores"] if self.evaluation is not None and self.on_test else {}
        return {metric: score for metric, score in scores.items() if score is not None}


def model_card(metadata: ModelMetadata, facts: CardFacts, results: Sequence[ExportResult], proven_on: str) -> str:
    """The card as Markdown. ``proven_on`` describes the images that the files were proven on."""
    parts = [
        f"# Image classifier for {escape(metadata.dataset)}: {len(metadata.classes)} classes",
        "\n".join(_origin(metadata, facts)),
        "## How good it is",
        *_scores(facts),
        "## The files",
        "\n".join(_files(results)),
        f"Each was run in its own runtime on {escape(proven_on)}, and compared with the model as it was trained. "
        f"Written by convtune {version('convtune')} with Keras {version('keras')}, TensorFlow {version('tensorflow')}.",
        "## Limits",
        "\n".join(_limits(facts)),
        "## How to make it again",
        *_again(facts),
        "## Licence",
        "Not stated. Name here the licence of the model, and that of the pictures that it was trained on.",
    ]
    return "\n\n".join(parts) + "\n"


def _origin(metadata: ModelMetadata, facts: CardFacts) -> Iterator[str]:
    height, width, channels = metadata.shape
    yield f"- Pictures: {escape(metadata.dataset)}, digest `{metadata.digest}`, split with seed {metadata.seed}."
    yield f"- Trial {metadata.trial} of study {escape(metadata.study)}. {escape(facts.search)}".rstrip()
    colour = "grey" if channels == 1 else "RGB"
    yield f"- The network sees {width}x{height} pixels (width x height), {colour}; pictures are resized to that."
    if metadata.white is not None:
        yield f"- The pictures had more than 8 bits; a stored value of {metadata.white} became 255. Scale others so."
    if facts.params:
        yield f"- Params: {', '.join(f'{escape(name)} = {escape(value)}' for name, value in facts.params.items())}."


def _scores(facts: CardFacts) -> Iterator[str]:
    if facts.evaluation is None:
        yield f"Not measured: {facts.measured_on}."
        return
    yield f"Measured on {escape(facts.measured_on)}. Intervals are those of 95 % confidence."
    yield "\n".join(_table(("metric", "score", "interval"), _score_rows(facts.evaluation)))
    yield "\n".join(_table(("class", "images", "precision", "recall", "F1"), _class_rows(facts.evaluation)))
    left = len(facts.evaluation["per_class"]) - _MOST_CLASSES
    if left > 0:
        yield f"{left:,} more classes are not listed."
    yield from _calibration(facts.evaluation)


def _calibration(evaluation: Mapping[str, Any]) -> Iterator[str]:
    """How far the probabilities can be believed; nothing where that is not defined."""
    calibration = evaluation.get("calibration") or {}
    if calibration.get("error") is not None:
        yield (
            f"Calibration: the mean confidence is {calibration['mean_confidence']:.4f}, which a well calibrated model "
            f"has as accuracy; the expected calibration error is {calibration['error']:.4f} (0 is best)."
        )


def _score_rows(evaluation: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    for name, score in evaluation["scores"].items():
        if score is not None:
            interval = evaluation.get("intervals", {}).get(name)
            yield METRICS[name].label, f"{score:.4f}", str(Interval(*interval)) if interval else "-"


def _class_rows(evaluation: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    for row in evaluation["per_class"][:_MOST_CLASSES]:
        ratios = ("-" if row[name] is None else f"{row[name]:.3f}" for name in ("precision", "recall", "f1"))
        yield escape(row["class"]), str(row["support"]), *ratios


def _files(results: Sequence[ExportResult]) -> Iterator[str]:
    rows = (
        (
            f"`{result.file}`",
            f"{result.bytes / 1e6:.2f} MB",
            f"{FORMATS[result.format].pixels}, {'any size' if FORMATS[result.format].any_size else 'one size'}",
            f"{result.difference:.1g}",
            f"{result.agreement:.2%}",
            "-" if result.accuracy is None else f"{result.accuracy - (result.accuracy_of_model or 0):+.4f}",
            f"`python {script_name(FORMATS[result.format].key)} IMAGE`",
        )
        for result in results
    )
    heads = ("file", "size", "pixels", "largest difference", "same class", "accuracy", "use it")
    return _table(heads, rows)


def _limits(facts: CardFacts) -> Iterator[str]:
    yield "- It gives every picture one of its classes, also pictures of none of them."
    yield "- Its scores hold for pictures like those that it was trained on: same source, same framing, same light."
    yield "- It was chosen among the trials of a search by its score on the validation images, trained with one seed."
    if facts.caveat:
        yield f"- It was {escape(facts.caveat)}."
    yield "- Its probabilities were not calibrated after training; whether people are treated alike was not examined."


def _again(facts: CardFacts) -> Iterator[str]:
    if not facts.command:
        yield "Its study was not at hand: `convtune export STUDY` writes the command that searches again."
        return
    yield f"    {printable(facts.command)}"
    if facts.versions:
        versions = ", ".join(f"{name} {number}" for name, number in facts.versions.items())
        yield f"The study ran with {escape(versions)}."


def _table(heads: Sequence[str], rows: "Iterator[Sequence[str]]") -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
