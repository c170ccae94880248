"""``convtune export``: the best model of a study, or that of a trial, to take elsewhere."""

import argparse
from typing import TYPE_CHECKING

from pipeline.cli.types import whole_number
from pipeline.errors import nearest
from pipeline.export.formats import FORMATS

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.export import ExportResult
    from pipeline.study.paths import StudyPaths
    from pipeline.study.record import TrialRecord

HELP = f"export the best model ({', '.join(FORMATS)}), and check the exported files"


def arguments(parser: argparse.ArgumentParser) -> None:
    """The study, the trial, the formats, and the folder to write to."""
    parser.add_argument("study", metavar="STUDY", help="name or path of the study")
    parser.add_argument(
        "--trial", type=whole_number(0), metavar="N", help="export the model of this trial (default: the best)"
    )
    parser.add_argument(
        "--output", metavar="DIR", help="folder to write to (default: exports/STUDY, or STUDY/export for a path)"
    )
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
    from pipeline.search.optuna_study import load_trials
    from pipeline.study.model_metadata import read_metadata
    from pipeline.training.worker import keras_worker

    paths, records, _ = load_trials(args.study)
    record = _choose(paths, records, args.trial)
    model_file = paths.model(record.number)
    output = Path(args.output) if args.output else _default_output(paths)
    batches = make_noise(read_metadata(model_file).shape)
    with keras_worker(f"exporting trial {record.number}", KERAS_BACKEND="tensorflow") as worker:
        results = call(worker, ExportModel(model_file, output, args.formats, batches))
    _print(record, results, args.json)
    return 0


def _default_output(paths: "StudyPaths") -> "Path":
    """Beside ``studies`` for a study below it. Inside any other study, since paths may share their last name."""
    from pathlib import Path

    from pipeline.study.paths import ROOT

    return Path("exports") / paths.name if paths.path.parent == ROOT else paths.path / "export"


def _choose(paths: "StudyPaths", records: "list[TrialRecord]", number: int | None) -> "TrialRecord":
    """The trial with this number, or the best trial; StudyError when it has no model."""
    from pipeline.errors import StudyError
    from pipeline.study.record import best

    with_model = {
        record.number: record for record in records if record.result.model and paths.model(record.number).is_file()
    }
    if number is None:
        if (record := best(list(with_model.values()))) is None:
            lost = "; the files of their models are gone" if best(records) else ""
            raise StudyError(f"study {paths.name}: no trial has a model{lost}; see `convtune trials {paths.name}`")
        return record
    if number not in with_model:
        which = f"trials with a model: {', '.join(map(str, with_model))}" if with_model else "no trial has one"
        raise StudyError(f"study {paths.name}: trial {number} {_why_without_model(records, number)}; {which}")
    return with_model[number]


def _why_without_model(records: "list[TrialRecord]", number: int) -> str:
    record = next((record for record in records if record.number == number), None)
    if record is None:
        return "does not exist"
    reason = "its file is gone" if record.result.model else record.result.reason or record.state.value
    return f"has no model ({reason})"


def _print(record: "TrialRecord", results: "list[ExportResult]", as_json: bool) -> None:
    if as_json:
        import json

        print(json.dumps([_as_dict(record, result) for result in results], indent=1, ensure_ascii=False))
        return
    score = "" if record.score is None else f", score {record.score:.4f}"
    print(f"Trial {record.number}{score}")
    for result in results:
        print(f"{result.path}  {result.bytes / 1e6:.2f} MB  differs by at most {result.difference:.1g}")
    for result in results:
        print(f"Use it:  {_usage(result)}")


def _as_dict(record: "TrialRecord", result: "ExportResult") -> dict[str, object]:
    return {
        "format": result.format,
        "path": str(result.path),
        "bytes": result.bytes,
        "difference": result.difference,
        "trial": record.number,
        "use": _usage(result),
    }


def _usage(result: "ExportResult") -> str:
    import shlex

    return FORMATS[result.format].usage.format(path=shlex.quote(str(result.path)))
