"""``convtune predict``: the probability of every class for image files."""

import argparse
import os
from typing import TYPE_CHECKING, Any

from pipeline.cli.help import tell_exit_code
from pipeline.cli.model_argument import add_model, find_model
from pipeline.cli.types import whole_number

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

HELP = "classify image files with a model"

EXAMPLES = ("convtune predict mine photo.png", "convtune predict exports/mine photos --csv")

_TOP = 5
"""The most classes that a line for people has, unless they ask for more."""

_SOME_UNREADABLE = 1
"""The exit code where some of the files could not be read."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the model, the images and the flags."""
    add_model(parser)
    parser.add_argument("images", metavar="IMAGE", nargs="+", help="image file, folder (searched recursively) or glob")
    top = f"show the N most probable classes of an image (default: {_TOP}; with --json and --csv all)"
    parser.add_argument("--top", type=whole_number(1), metavar="N", help=top)
    tell_exit_code(parser, "some of the files, or all, could not be read")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print a JSON list, one object per image")
    form.add_argument(
        "--csv", action="store_true", help="print CSV: file, class, probability, and one column for each class"
    )


def run(args: argparse.Namespace) -> int:
    """Prints a line, an object or a row for each image. Warns of each unreadable file; returns 1 if there is one."""
    from pipeline.console import note, warn
    from pipeline.data.image_files import find_image_files
    from pipeline.errors import DataError, JobError, printable
    from pipeline.executors import call
    from pipeline.quantity import counted
    from pipeline.training.task import PredictFiles
    from pipeline.training.worker import model_worker

    if args.csv and args.top:
        raise JobError("--top: CSV has a column for each class; leave out --top or --csv")
    model = find_model(args).runnable()
    files = find_image_files(args.images, note)
    if not any(map(os.path.exists, files)):
        raise DataError(f"{printable(files[0])}: does not exist; expected an image file or a folder")
    with model_worker(f"predicting {counted(len(files), 'image')}") as worker:
        probabilities, faults = call(worker, PredictFiles(model, files))
    for fault in filter(None, faults):
        warn(fault)
    if all(faults) and len(files) > 1:
        warn(f"none of the {len(files):,} files could be read as an image")
    classes, top = model.metadata.classes, args.top or (None if args.csv or args.json else _TOP)
    if top and not args.top and len(classes) > top:
        note(f"note: the {top} most probable of {len(classes):,} classes; --top N shows more, --csv and --json all")
    rows = [
        _row(file, classes, probabilities[index], top)
        for index, (file, fault) in enumerate(zip(files, faults, strict=True))
        if not fault
    ]
    _print_csv(rows, classes) if args.csv else _print(rows, args.json)
    return _SOME_UNREADABLE if any(faults) else 0


def _row(file: "Path", classes: "Sequence[str]", probabilities: "NDArray[Any]", top: int | None) -> dict[str, Any]:
    """The row that is printed for an image: its most probable classes, best first (all if ``top`` is None)."""
    from pipeline.errors import printable

    order = (-probabilities).argsort(kind="stable")[:top]
    by_class = {classes[label]: round(float(probabilities[label]), 6) for label in order}
    best = classes[order[0]]
    return {"file": printable(file), "class": best, "probability": by_class[best], "probabilities": by_class}


def _print_csv(rows: "Sequence[dict[str, Any]]", classes: "Sequence[str]") -> None:
    """The prefix keeps the column of a class that is called ``file`` apart from the others."""
    import csv
    import sys

    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(["file", "class", "probability", *(f"probability_{name}" for name in classes)])
    for row in rows:
        shares = (row["probabilities"][name] for name in classes)
        table.writerow([row["file"], row["class"], row["probability"], *shares])


def _print(rows: "Sequence[dict[str, Any]]", as_json: bool) -> None:
    if as_json:
        import json

        print(json.dumps(rows, indent=1, ensure_ascii=False))
        return
    from pipeline.errors import printable

    width = max((len(row["file"]) for row in rows), default=0)
    for row in rows:
        print(
            f"{row['file']:<{width}}  "
            + "  ".join(f"{printable(name)} {p:.2f}" for name, p in row["probabilities"].items())
        )
