"""``convtune export``: a model in the formats that run elsewhere, each proven, in a folder that explains itself."""

import argparse

from pipeline.cli.model_argument import add_model, find_keras_model
from pipeline.cli.print_export import print_export
from pipeline.cli.push_model import add_push, open_push
from pipeline.errors import nearest
from pipeline.export.formats import FORMATS

_EXACT = [name for name, export_format in FORMATS.items() if export_format.exact]

HELP = f"export the best model ({', '.join(_EXACT)}), and prove that the files give its probabilities"

_QUANTIZED = ("int8", "float16")
_PRECISIONS = ("float32", "float16")

_ROUNDED = {
    **{f"litert-{rounding}": f"litert --quantize {rounding}" for rounding in _QUANTIZED},
    "onnx-float16": "onnx --precision float16",
}
"""The rounded formats, which have flags of their own, with what asks for them after ``--format``."""

EXAMPLES = ("convtune export mine", "convtune export mine --trial 3 --format keras --output model")


def arguments(parser: argparse.ArgumentParser) -> None:
    """The model, the formats, and the folder to write to."""
    add_model(parser)
    add = parser.add_argument
    add(
        "--format",
        dest="formats",
        type=_parse_formats,
        metavar="FORMAT,...",
        help=f"any of {', '.join(_choices())} (default: {', '.join(_EXACT)}, as far as their packages are installed)",
    )
    quantize = "round the litert file: all to int8, or its weights to float16"
    add("--quantize", choices=_QUANTIZED, type=_word_or_none, help=quantize)
    precision = "number format of the onnx file (default: float32)"
    add("--precision", choices=_PRECISIONS, type=_word_or_none, help=precision)
    data = "data to prove the files on, and to calibrate int8 with (default: that of the study)"
    add("--data", metavar="PATH|NAME", help=data)
    output = "folder to write to (default: exports/NAME; STUDY/export for a study elsewhere than in studies/)"
    add("--output", metavar="DIR", help=output)
    force = "replace an earlier export although its model card has been changed since"
    add("--force", action="store_true", help=force)
    add_push(parser)
    add("--json", action="store_true", help="print a JSON object")


def _word_or_none(text: str) -> str | None:
    """The text; None for an empty one, which stands for a flag that was not given."""
    return text or None


def _choices() -> list[str]:
    """The formats that ``--format`` takes."""
    return [name for name in FORMATS if name not in _ROUNDED]


def _parse_formats(text: str) -> list[str] | None:
    """The names of formats, each once; None for an empty text, which stands for a flag that was not given."""
    if not text:
        return None
    names = list(dict.fromkeys(part.strip() for part in text.split(",")))
    for name in names:
        if name in _ROUNDED:
            raise argparse.ArgumentTypeError(f"{name!r} has a flag of its own; give --format {_ROUNDED[name]}")
        if name not in FORMATS:
            formats = f"formats are {', '.join(_choices())}"
            raise argparse.ArgumentTypeError(f"unknown {name!r}{nearest(name, _choices())}; {formats}")
    return names


def run(args: argparse.Namespace) -> int:
    """Writes, proves and lists the files, and pushes the model. If the push fails, the files stay and are listed."""
    from pathlib import Path

    from pipeline.cli.card_facts import card_facts
    from pipeline.cli.model_data import find_data, samples_of
    from pipeline.executors import call
    from pipeline.export.export import check_calibration
    from pipeline.export.export_folder import new_export, write_beside
    from pipeline.export.model_card import model_card
    from pipeline.export.task import ExportModel
    from pipeline.training.worker import keras_worker

    formats = _choose_formats(args)
    model = find_keras_model(args, "every format is made from that")
    metadata = model.require_metadata()
    output = Path(args.output) if args.output else model.default_export
    with new_export(output, args.force) as folder:
        push = open_push(model, args.register, args.push) if args.push else None
        calibrated = next((name for name in formats if FORMATS[name].calibrated), "")
        data = find_data(model, args.data, quiet=args.json, needed_by=calibrated)
        samples = samples_of(model, data)
        check_calibration(formats, samples)
        with keras_worker(f"exporting {model.file}", KERAS_BACKEND="tensorflow") as worker:
            results = call(worker, ExportModel(model.file, folder, formats, samples))
            facts = card_facts(model, data, worker)
        card = model_card(metadata, facts, results, samples.source)
        write_beside(folder, metadata, results, samples.source, card)
    pushed = ""
    try:
        pushed = push.send(data, samples, facts) if push else ""
    finally:
        print_export(output, metadata, results, samples.source, args.json, pushed)
    return 0


def _choose_formats(args: argparse.Namespace) -> list[str]:
    """The formats by name, rounded as the flags say; ModelError when what one needs is not installed."""
    from pipeline.console import note
    from pipeline.errors import JobError

    names = list(args.formats or _EXACT)
    if args.register and not args.push:
        raise JobError("--register: names the model in the registry; add --push ALIAS")
    precision = None if args.precision == "float32" else args.precision
    for flag, name, rounding in (("--quantize", "litert", args.quantize), ("--precision", "onnx", precision)):
        if rounding and name not in names:
            raise JobError(f"{flag}: rounds the format {name}; add it to --format")
        if rounding:
            rounded = f"{name}-{rounding}"
            names[names.index(name)] = rounded
            files = f"{FORMATS[rounded].file_name} takes the place of {FORMATS[name].file_name}"
            note(f"note: {flag} {rounding}: {files}; leave out the flag to have that")
    asked = [name for name in names if args.formats or not FORMATS[name].exact]
    for name in asked:
        FORMATS[name].require(to_write=True)
    for name in [name for name in names if FORMATS[name].missing(to_write=True)]:
        names.remove(name)
        note(f"note: without {name}, whose packages are missing; `pip install 'convtune[{FORMATS[name].extra}]'`")
    return names
