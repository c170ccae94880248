"""``convtune predict``: the probability of every class for image files."""

import argparse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

HELP = "classify image files with a model"


def arguments(parser: argparse.ArgumentParser) -> None:
    """The model and the images."""
    parser.add_argument("model", metavar="MODEL", help="a .keras file that `convtune export` wrote")
    parser.add_argument("images", metavar="IMAGE", nargs="+", help="image file, folder (with all below it) or glob")
    parser.add_argument("--top", metavar="N", help="only the N most probable classes (default all)")
    parser.add_argument("--json", action="store_true", help="print a JSON list, an object an image")


def run(args: argparse.Namespace) -> int:
    """Prints a line or an object an image; warns of files that cannot be read."""
    from pathlib import Path

    from pipeline import model_card
    from pipeline.errors import DataError
    from pipeline.executors import call
    from pipeline.loading import keras_worker, warn, whole

    model_file = Path(args.model)
    card = model_card.get(model_file)
    top = whole("--top", args.top, 1) if args.top else len(card.classes)
    files = image_files(args.images)
    with keras_worker(f"predicting {len(files):,} images") as worker:
        function = "pipeline.training.predict:read_and_predict"
        probabilities, faults = call(worker, function, model_file, files, card.shape)
    if all(faults):
        more = f" (none of the {len(files):,} files could be read as an image)" if len(files) > 1 else ""
        raise DataError(faults[0] + more)
    for fault in filter(None, faults):
        warn(fault)
    rows = [
        _row(file, card.classes, row, top)
        for file, row, fault in zip(files, probabilities, faults, strict=True)
        if not fault
    ]
    _print(rows, args.json)
    return 0


def image_files(words: "Sequence[str]") -> "list[Path]":
    """The files that the words name, in their order: a folder's images and a glob's matches sorted by path.

    DataError when a word names nothing.
    """
    return [file for word in words for file in _named(word)]


def _named(word: str) -> "list[Path]":
    from glob import glob, has_magic
    from pathlib import Path

    from pipeline.errors import DataError

    path = Path(word)
    if path.is_dir():
        found = _images_below(path)
        if not found:
            raise DataError(f"{word}: no image in this folder; expected JPEG, PNG, BMP, GIF or WebP files")
        return found
    if path.exists() or not has_magic(word):
        return [path]  # a file that is missing is warned of by its name, as one that is broken
    matches = sorted(Path(match) for match in glob(word, recursive=True))
    if not matches:
        raise DataError(f"{word}: no file matches; expected an image file, a folder or a glob such as 'photos/*.jpg'")
    return [file for match in matches for file in (_images_below(match) if match.is_dir() else [match])]


def _images_below(folder: "Path") -> "list[Path]":
    from pipeline.data.decode import EXTENSIONS

    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in EXTENSIONS and path.is_file())


def _row(file: "Path", classes: "Sequence[str]", probabilities: Any, top: int) -> dict[str, Any]:
    order = sorted(range(len(classes)), key=lambda position: -float(probabilities[position]))[:top]
    named = {classes[position]: round(float(probabilities[position]), 6) for position in order}
    best = classes[order[0]]
    return {"file": str(file), "class": best, "probability": named[best], "probabilities": named}


def _print(rows: "Sequence[dict[str, Any]]", as_json: bool) -> None:
    if as_json:
        import json

        print(json.dumps(rows, indent=1, ensure_ascii=False))
        return
    width = max(len(row["file"]) for row in rows)
    for row in rows:
        print(f"{row['file']:<{width}}  " + "  ".join(f"{name} {p:.2f}" for name, p in row["probabilities"].items()))
