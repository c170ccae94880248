"""``convtune evaluate``: how good a model is on images whose classes are known."""

import argparse
from typing import TYPE_CHECKING

from pipeline.cli.model_argument import add_model, find_model
from pipeline.cli.types import whole_number

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.data import Dataset
    from pipeline.metrics.evaluation import Evaluation
    from pipeline.study.model_metadata import ModelMetadata

HELP = "measure a model: every metric, precision, recall and F1 of each class, confusion matrix"

_SPLITS = ("test", "validation", "train")

_MAX_NAMED = 5
"""Classes that a message lists."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the model and the flags."""
    add_model(parser)
    parser.add_argument("--data", metavar="PATH|NAME", required=True, help="folder, .npz file or name of a dataset")
    parser.add_argument("--split", choices=_SPLITS, default="test", help="part to evaluate on (default: test)")
    parser.add_argument(
        "--seed", type=whole_number(0), metavar="N", help="seed of the splits (default: the seed of the model's study)"
    )
    parser.add_argument("--json", action="store_true", help="print a JSON object")


def run(args: argparse.Namespace) -> int:
    """Prints the scores, the classes and the confusions."""
    from pipeline.console import note
    from pipeline.data.load_with_progress import load_with_progress
    from pipeline.executors import call
    from pipeline.metrics.evaluation import evaluate
    from pipeline.training.task import PredictDataset
    from pipeline.training.worker import keras_worker

    model = find_model(args)
    metadata = model.require_metadata()
    seed = metadata.seed if args.seed is None else args.seed
    data = load_with_progress(args.data, metadata.shape[:2], seed, quiet=args.json, channels=metadata.shape[2])
    outputs = _match_classes(model.file, metadata, data)
    rows = {"test": data.test, "validation": data.validation, "train": data.train}[args.split]
    with keras_worker(f"evaluating {len(rows):,} images") as worker:
        probabilities = call(worker, PredictDataset(model.file, data, rows))
    if not args.json:
        note(f"{data.name}: {data.describe()}")
    _note_differences(metadata, data, seed)
    _print(evaluate(data.labels[rows], probabilities[:, outputs], data.classes), args.split, args.json)
    return 0


def _match_classes(model_file: "Path", metadata: "ModelMetadata", data: "Dataset") -> list[int]:
    """The model's output for each class of the data; ModelError unless model and data have the same classes."""
    from pipeline.errors import ModelError

    missing = [name for name in metadata.classes if name not in data.classes]
    unknown = [name for name in data.classes if name not in metadata.classes]
    if missing or unknown:
        differences = "; ".join(
            f"{which} has: {_list_names(names)}"
            for which, names in (("only the model", missing), ("only the data", unknown))
            if names
        )
        count = len(metadata.classes)
        raise ModelError(f"{model_file}: expected data with the {count} classes of the model ({differences})")
    return [metadata.classes.index(name) for name in data.classes]


def _list_names(names: list[str]) -> str:
    more = len(names) - _MAX_NAMED
    return ", ".join(names[:_MAX_NAMED]) + (f" and {more} more" if more > 0 else "")


def _note_differences(metadata: "ModelMetadata", data: "Dataset", seed: int) -> None:
    """Says on stderr why images may not be those that the model was tested on."""
    from pipeline.console import note

    if data.digest != metadata.digest:
        note(f"note: not the data the model was trained on ({metadata.dataset}); its images may differ")
    elif seed != metadata.seed:
        note(f"note: split by seed {seed}, trained with seed {metadata.seed}: images may be ones it was trained on")


def _print(evaluation: "Evaluation", split: str, as_json: bool) -> None:
    if as_json:
        import json

        print(json.dumps({"split": split, **evaluation.as_dict()}, indent=1, ensure_ascii=False))
        return
    from pipeline.console import show
    from pipeline.report.evaluation_tables import ConfusionView, class_table, score_table

    print(f"Scores on {evaluation.n:,} images of the {split} split\n")
    show(score_table(evaluation))
    print()
    show(class_table(evaluation))
    print("\nConfusions")
    show(ConfusionView(evaluation))
