"""``convtune export``: a model in the formats that run elsewhere."""

import argparse
from typing import TYPE_CHECKING

from pipeline.cli.model_argument import add_model, find_model
from pipeline.errors import nearest
from pipeline.export.formats import FORMATS

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.cli.model_argument import ModelSource
    from pipeline.export import ExportResult
    from pipeline.study.model_metadata import ModelMetadata

HELP = f"export the best model ({', '.join(FORMATS)}), and check the exported files"


def arguments(parser: argparse.ArgumentParser) -> None:
    """The model, the formats, and the folder to write to."""
    add_model(parser)
    output = "folder to write to (default: exports/NAME; STUDY/export for a study elsewhere than in studies/)"
    parser.add_argument("--output", metavar="DIR", help=output)
    parser.add_argument(
        "--format",
        dest="formats",
        type=_parse_formats,
        default=list(FORMATS),
        metavar="FORMAT,...",
        help=f"any of {', '.join(FORMATS)} (default: all)",
    )
    parser.add_argument("--json", action="store_true", help="print a JSON list, one object per file")


def _parse_formats(text: str) -> list[str]:
    names = list(dict.fromkeys(part.strip() for part in text.split(",")))
    for name in names:
        if name not in FORMATS:
            formats = f"formats are {', '.join(FORMATS)}"
            raise argparse.ArgumentTypeError(f"unknown {name!r}{nearest(name, FORMATS)}; {formats}")
    return names


def run(args: argparse.Namespace) -> int:
    """Writes, checks and lists the files."""
    from pathlib import Path

    from pipeline.executors import call
    from pipeline.export import make_noise
    from pipeline.export.task import ExportModel
    from pipeline.training.worker import keras_worker

    model = find_model(args)
    metadata = model.require_metadata()
    output = Path(args.output) if args.output else _default_output(model)
    batches = make_noise(metadata.shape)
    with keras_worker(f"exporting {model.file}", KERAS_BACKEND="tensorflow") as worker:
        results = call(worker, ExportModel(model.file, output, args.formats, batches))
    _print(metadata, results, args.json)
    return 0


def _default_output(model: "ModelSource") -> "Path":
    """Below ``exports``. Inside a study that is elsewhere than in ``studies``: paths may share their last name."""
    from pathlib import Path

    from pipeline.study.paths import ROOT

    if model.study is not None and model.study.path.parent != ROOT:
        return model.study.path / "export"
    return Path("exports") / model.name


def _print(metadata: "ModelMetadata", results: "list[ExportResult]", as_json: bool) -> None:
    from pipeline.errors import printable

    if as_json:
        import json

        print(json.dumps([_as_dict(metadata, result) for result in results], indent=1, ensure_ascii=False))
        return
    score = "" if metadata.score is None else f", {metadata.metric} {metadata.score:.4f} on validation images"
    print(printable(f"Trial {metadata.trial} of study {metadata.study}{score}"))
    for result in results:
        print(f"{result.path}  {result.bytes / 1e6:.2f} MB  checked: {_describe_difference(result.difference)}")
    print(f"{_labels(results[0])}  {len(metadata.classes):,} classes, one per line in the order of the outputs")
    for result in results:
        print(f"Use it:  {_usage(result)}")


def _describe_difference(difference: float) -> str:
    return f"probabilities within {difference:.1g} of the model's" if difference else "the model's own probabilities"


def _as_dict(metadata: "ModelMetadata", result: "ExportResult") -> dict[str, object]:
    return {
        "format": result.format,
        "path": str(result.path),
        "bytes": result.bytes,
        "difference": result.difference,
        "labels": _labels(result),
        "trial": metadata.trial,
        "use": _usage(result),
    }


def _labels(result: "ExportResult") -> str:
    from pipeline.export.labels import LABELS

    return str(result.path.with_name(LABELS))


def _usage(result: "ExportResult") -> str:
    import shlex

    return FORMATS[result.format].usage.format(path=shlex.quote(str(result.path)))
