"""``convtune explain``: a page and pictures of how a model sees images."""

import argparse
from typing import TYPE_CHECKING

from pipeline.cli.model_argument import add_model, find_keras_model
from pipeline.cli.types import finite_number, unit, whole_number

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.explain.explanation import Explanation

HELP = "show how a model sees images: filters, activation maps, receptive field, Grad-CAM"

EXAMPLES = ("convtune explain mine photo.png", "convtune explain exports/mine photos/cat --top 1 --output cats")

_MAX_IMAGES = 100
"""Images on one page."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the model, the images and the flags."""
    add_model(parser)
    parser.add_argument("images", metavar="IMAGE", nargs="+", help="image file, folder (searched recursively) or glob")
    parser.add_argument("--output", metavar="DIR", help="folder to write to (default: explain/NAME of the model)")
    parser.add_argument(
        "--unit",
        type=unit,
        metavar="LAYER:ROW,COLUMN",
        help="unit whose receptive field is drawn (default: the most active of the last convolution)",
    )
    parser.add_argument(
        "--top", type=whole_number(1), metavar="N", help="Grad-CAM of the N most probable classes (default: 3)"
    )
    parser.add_argument(
        "--pixels",
        type=finite_number,
        nargs=2,
        metavar=("BLACK", "WHITE"),
        help="values of black and white pixels, for a model that convtune did not train "
        "(default: 0 255 if it rescales them itself, else 0 1)",
    )


def run(args: argparse.Namespace) -> int:
    """Writes the page and the pictures, and prints the prediction for each image."""
    from pathlib import Path

    from pipeline.console import note, status, warn
    from pipeline.data.image_files import find_image_files
    from pipeline.errors import JobError
    from pipeline.executors import call
    from pipeline.explain.explanation import ExplainOptions
    from pipeline.explain.task import ExplainFiles
    from pipeline.explain.write import check_output, write_explanation
    from pipeline.quantity import counted
    from pipeline.study.model_metadata import find_metadata
    from pipeline.training.worker import keras_worker

    pixel_range = tuple(args.pixels) if args.pixels else None
    options = ExplainOptions(unit=args.unit, top=args.top or 3, pixel_range=pixel_range)
    model = find_keras_model(args, "others have no layers")
    metadata = find_metadata(model.file) if model.file.suffix == ".keras" else None
    output = Path(args.output) if args.output else Path("explain") / model.name
    check_output(output)
    files = find_image_files(args.images, note)
    if len(files) > _MAX_IMAGES:
        raise JobError(f"expected at most {_MAX_IMAGES} images on a page, got {len(files):,}; name fewer")
    with keras_worker(f"explaining {counted(len(files), 'image')}") as worker:
        explanation, faults = call(worker, ExplainFiles(model.file, metadata, files, options))
    with status(f"drawing {len(explanation.images):,} images") as progress:
        written = write_explanation(explanation, output, progress)
    for fault in faults:
        warn(fault)
    _print(explanation, written)
    return 0


def _print(explanation: "Explanation", written: "list[Path]") -> None:
    from pipeline.explain.captions import describe_prediction

    for image in explanation.images:
        print(f"{image.title}: {describe_prediction(explanation, image) or 'no classes'}")
    print(f"Page:      {written[-1]}")
    print(f"Pictures:  {len(written) - 1} PNG files beside it")
