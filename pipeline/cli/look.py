"""``convtune look``: pictures of what a network sees."""

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pipeline.model_card import ModelCard
    from pipeline.training.look.seen import Look, Unit

HELP = "show what a model sees: filters, activation maps, receptive field, Grad-CAM"
_MOST = 100
"""Images on a page."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """The model, the images, and what to show of them."""
    parser.add_argument("model", metavar="MODEL", help="a Keras model file with one image input, or a study (its best)")
    parser.add_argument("images", metavar="IMAGE", nargs="+", help="image file, folder (with all below it) or glob")
    parser.add_argument("--output", metavar="DIR", help="folder to write to (default look/ and the model's name)")
    parser.add_argument(
        "--unit",
        metavar="LAYER:ROW,COLUMN",
        help="unit whose receptive field is drawn (default: the strongest of the last convolution)",
    )
    parser.add_argument("--top", metavar="N", help="Grad-CAM of the N most probable classes (default 3)")
    parser.add_argument(
        "--pixels",
        nargs=2,
        metavar=("LOW", "HIGH"),
        help="what black and white go in as, for a model that is not convtune's "
        "(default 0 255 where it rescales them itself, else 0 1)",
    )


def run(args: argparse.Namespace) -> int:
    """Writes the page and the pictures, and prints what each image was taken for."""
    from pathlib import Path

    from pipeline.cli.predict import image_files
    from pipeline.errors import JobError
    from pipeline.executors import call
    from pipeline.loading import keras_worker, warn, whole
    from pipeline.report.look.look import check_output, write_look
    from pipeline.training.look.seen import Wish

    top = whole("--top", args.top, 1) if args.top else 3
    wish = Wish(_unit(args.unit), top, levels=_levels(args.pixels))
    model_file = _model_file(args.model)
    card = _card(model_file)
    output = Path(args.output) if args.output else _default(args.model, model_file)
    check_output(output)
    files = image_files(args.images)
    if len(files) > _MOST:
        raise JobError(f"expected at most {_MOST} images on a page, got {len(files):,}; name fewer")
    with keras_worker(f"looking at {len(files):,} images") as worker:
        look, faults = call(worker, "pipeline.training.look.look:at_files", model_file, card, files, wish)
    written = write_look(look, output)
    for fault in faults:
        warn(fault)
    _print(look, written)
    return 0


def _model_file(word: str) -> "Path":
    """The file itself, or the best model of the study of that name; StudyError when there is neither."""
    from pathlib import Path

    from pipeline.errors import StudyError
    from pipeline.folder import find

    path = Path(word)
    if path.suffix in (".keras", ".h5", ".hdf5") or path.is_file():
        return path
    folder = find(word)
    if not folder.best_model.is_file():
        advice = f"`convtune tune --study {folder.argument}` writes the best model of its trials"
        raise StudyError(f"{folder.best_model}: no such file; {advice}")
    return folder.best_model


def _card(model_file: "Path") -> "ModelCard | None":
    """The card of convtune's own files; None for another model file."""
    from pipeline import model_card

    old_form = model_file.suffix in (".h5", ".hdf5") and model_file.is_file()
    return None if old_form else model_card.find(model_file)


def _default(word: str, model_file: "Path") -> "Path":
    from pathlib import Path

    from pipeline.folder import locate

    return Path("look") / (model_file.stem if model_file == Path(word) else locate(word).name)


def _unit(text: str | None) -> "Unit | None":
    from pipeline.errors import JobError
    from pipeline.training.look.seen import Unit

    if text is None:
        return None
    layer, _, place = text.rpartition(":")
    numbers = place.split(",")
    if not layer or len(numbers) != 2 or not all(number.strip().isdecimal() for number in numbers):
        raise JobError(f"--unit: expected LAYER:ROW,COLUMN such as block1_conv1:3,5, got {text!r}")
    return Unit(layer, int(numbers[0]), int(numbers[1]))


def _levels(words: "Sequence[str] | None") -> tuple[float, float] | None:
    from math import isfinite

    from pipeline.errors import JobError

    if words is None:
        return None
    try:
        low, high = map(float, words)
    except ValueError:
        low = high = 0.0
    if low == high or not (isfinite(low) and isfinite(high)):
        raise JobError(f"--pixels: expected two different numbers such as -1 1, got {' '.join(words)!r}")
    return low, high


def _print(look: "Look", written: "list[Path]") -> None:
    from pipeline.report.look.words import verdict

    for sight in look.sights:
        print(f"{sight.title}: {verdict(look, sight) or 'no classes'}")
    print(f"Page:      {written[-1]}")
    print(f"Pictures:  {len(written) - 1} PNG files beside it")
