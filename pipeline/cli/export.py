"""``convtune export``: the best model of a study, or that of a trial, to take elsewhere."""

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.export import Exported
    from pipeline.folder import StudyFolder
    from pipeline.record import Record

HELP = "write the best model as .keras and SavedModel, and check what was written"


def arguments(parser: argparse.ArgumentParser) -> None:
    """The study, the trial, and what to write where."""
    parser.add_argument("study", metavar="STUDY", help="name or path of the study")
    parser.add_argument("--trial", metavar="N", help="the model of this trial (default: the best)")
    parser.add_argument(
        "--output", metavar="DIR", help="folder to write to (default exports/STUDY, of a path STUDY/export)"
    )
    parser.add_argument("--format", metavar="F,...", help="keras, saved_model or both (default both)")
    parser.add_argument("--json", action="store_true", help="print a JSON list, an object a file")


def run(args: argparse.Namespace) -> int:
    """Writes, checks and lists the files."""
    from pathlib import Path

    from pipeline import model_card
    from pipeline.executors import call
    from pipeline.export import noise
    from pipeline.loading import keras_worker, load_trials, whole

    formats = _formats(args.format)
    number = whole("--trial", args.trial, 0) if args.trial else None
    folder, records, _ = load_trials(args.study)
    record = _chosen(folder, records, number)
    model_file = folder.model(record.number)
    output = Path(args.output) if args.output else _default(folder)
    batches = noise(model_card.get(model_file).shape)
    with keras_worker(f"exporting trial {record.number}", KERAS_BACKEND="tensorflow") as worker:
        written = call(worker, "pipeline.export:export", model_file, output, formats, batches)
    _print(record, written, args.json)
    return 0


def _default(folder: "StudyFolder") -> "Path":
    """Beside ``studies`` for those below it; within any other study, as paths may share their last name."""
    from pathlib import Path

    from pipeline.folder import ROOT

    return Path("exports") / folder.name if folder.path.parent == ROOT else folder.path / "export"


def _formats(text: str | None) -> list[str]:
    from pipeline.errors import JobError, nearest
    from pipeline.export import FORMATS

    names = list(FORMATS) if text is None else list(dict.fromkeys(part.strip() for part in text.split(",")))
    for name in names:
        if name not in FORMATS:
            raise JobError(f"--format: unknown {name!r}{nearest(name, FORMATS)}; formats are {', '.join(FORMATS)}")
    return names


def _chosen(folder: "StudyFolder", records: "list[Record]", number: int | None) -> "Record":
    """The trial asked for, or the best; StudyError when it has no model."""
    from pipeline.errors import StudyError
    from pipeline.record import best

    kept = [one for one in records if one.outcome.model and folder.model(one.number).is_file()]
    if number is None:
        if (winner := best(kept)) is None:
            lost = "; the files of their models are gone" if best(records) else ""
            raise StudyError(f"study {folder.name}: no trial has a model{lost}; see `convtune trials {folder.name}`")
        return winner
    found = {record.number: record for record in kept}
    if number not in found:
        which = f"trials with a model: {', '.join(map(str, found))}" if found else "no trial has one"
        raise StudyError(f"study {folder.name}: trial {number} {_why(records, number)}; {which}")
    return found[number]


def _why(records: "list[Record]", number: int) -> str:
    record = next((record for record in records if record.number == number), None)
    if record is None:
        return "does not exist"
    gone = "its file is gone" if record.outcome.model else record.outcome.reason or record.state.value
    return f"has no model ({gone})"


def _print(record: "Record", written: "list[Exported]", as_json: bool) -> None:
    if as_json:
        import json

        print(json.dumps([_as_dict(record, one) for one in written], indent=1, ensure_ascii=False))
        return
    value = "" if record.value is None else f", value {record.value:.4f}"
    print(f"Trial {record.number}{value}")
    for one in written:
        print(f"{one.path}  {one.bytes / 1e6:.2f} MB  differs by at most {one.difference:.1g}")
    for one in written:
        print(f"Use it:  {_use(one.format, one.path)}")


def _as_dict(record: "Record", one: "Exported") -> dict[str, object]:
    return {
        "format": one.format,
        "path": str(one.path),
        "bytes": one.bytes,
        "difference": one.difference,
        "trial": record.number,
        "use": _use(one.format, one.path),
    }


def _use(name: str, path: "Path") -> str:
    import shlex

    from pipeline.export import FORMATS

    return FORMATS[name].use.format(path=shlex.quote(str(path)))
