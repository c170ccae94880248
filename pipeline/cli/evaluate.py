"""``convtune evaluate``: how good a model is on images whose classes are known."""

import argparse
from typing import TYPE_CHECKING

from pipeline.cli.model_argument import add_model, find_model
from pipeline.cli.types import whole_number

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.data import Dataset
    from pipeline.data.split import Rows
    from pipeline.metrics.evaluation import Evaluation
    from pipeline.study.model_metadata import ModelMetadata

HELP = "measure a model: every metric, precision, recall and F1 of each class, confusion matrix"

_NAMES = {"test": "test images", "val": "validation images", "train": "training images", "all": "images"}
"""The words for the images of each split."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the model and the flags."""
    add_model(parser)
    parser.add_argument("--data", metavar="PATH|NAME", required=True, help="folder, .npz file or name of a dataset")
    parser.add_argument(
        "--split",
        choices=tuple(_NAMES),
        type=lambda word: "val" if word == "validation" else word,
        help="part to measure (default: test; all images of other data without test images of its own)",
    )
    parser.add_argument(
        "--seed", type=whole_number(0), metavar="N", help="seed of the splits (default: the seed of the model's study)"
    )
    parser.add_argument("--json", action="store_true", help="print a JSON object")


def run(args: argparse.Namespace) -> int:
    """Prints the scores, the classes and the confusions."""
    from pipeline.console import note
    from pipeline.data.listing_notes import name_some
    from pipeline.data.load_with_progress import load_with_progress
    from pipeline.executors import call
    from pipeline.metrics.evaluation import evaluate
    from pipeline.training.task import PredictDataset
    from pipeline.training.worker import keras_worker

    model = find_model(args)
    metadata = model.require_metadata()
    seed = metadata.seed if args.seed is None else args.seed
    data = load_with_progress(
        args.data,
        metadata.shape[:2],
        seed,
        quiet=args.json,
        channels=metadata.shape[2],
        white=metadata.white,
        for_training=False,
    )
    classes, outputs = _match_classes(model.file, metadata, data)
    split, rows = _choose_rows(args.split, metadata, data)
    with keras_worker(f"evaluating {len(rows):,} images") as worker:
        probabilities = call(worker, PredictDataset(model.file, data, rows))
    if not args.json:
        note(f"{data.name}: {data.describe()}")
    _note_differences(metadata, data, split, seed)
    evaluation = evaluate(data.labels[rows], probabilities[:, outputs], classes)
    if evaluation.false_alarms:
        note(f"note: macro F1 counts {name_some(evaluation.false_alarms)} as 0: no images, but some are taken for it")
    _print(evaluation, split, args.json)
    return 0


def _match_classes(model_file: "Path", metadata: "ModelMetadata", data: "Dataset") -> tuple[tuple[str, ...], list[int]]:
    """The classes of the data, then the others of the model, which have no images; and the model's output for each.

    ModelError when the data has a class that the model has not.
    """
    import unicodedata

    from pipeline.console import note
    from pipeline.data.listing_notes import name_some
    from pipeline.errors import ModelError

    outputs = {unicodedata.normalize("NFC", name): output for output, name in enumerate(metadata.classes)}
    unknown = [name for name in data.classes if name not in outputs]
    if unknown:
        raise ModelError(
            f"{model_file}: expected data with classes of the model ({name_some(list(outputs))}), but it also has "
            f"{name_some(unknown)}; rename or remove what is not one"
        )
    absent = [name for name in outputs if name not in data.classes]
    if absent:
        note(f"note: {data.name} has no images of {name_some(absent)}")
    classes = (*data.classes, *absent)
    return classes, [outputs[name] for name in classes]


def _choose_rows(asked: str | None, metadata: "ModelMetadata", data: "Dataset") -> "tuple[str, Rows]":
    """The split that is measured and its images; DataError when there are none.

    Unless it is asked for, it is the test split if there is one: its own, or the one that the seed has made for the
    model's study. Other data is measured whole.
    """
    import numpy as np

    from pipeline.data.split import TEST
    from pipeline.errors import DataError

    has_test = bool((data.entry.given_splits == TEST).any()) or data.digest == metadata.digest
    split = asked or ("test" if has_test else "all")
    rows = {"test": data.test, "val": data.validation, "train": data.train, "all": np.arange(len(data.labels))}
    if not len(rows[split]):
        there = ", ".join(name for name, images in rows.items() if len(images))
        raise DataError(f"--split: {data.name} has no {_NAMES[split]}; choose one of {there}")
    return split, rows[split]


def _note_differences(metadata: "ModelMetadata", data: "Dataset", split: str, seed: int) -> None:
    """Says on stderr why images may not be those that the model was tested on."""
    from pipeline.console import note

    if data.digest != metadata.digest:
        note(f"note: not the data of the study ({metadata.dataset}), but may have images that the model was trained on")
    elif seed != metadata.seed:
        note(f"note: split by seed {seed}, trained with seed {metadata.seed}: images may be ones it was trained on")
    elif split != "test":
        note(f"note: the model was trained on, or chosen by, some of the {_NAMES[split]}")


def _print(evaluation: "Evaluation", split: str, as_json: bool) -> None:
    if as_json:
        import json

        print(json.dumps({"split": split, **evaluation.as_dict()}, indent=1, ensure_ascii=False))
        return
    from pipeline.console import show
    from pipeline.report.evaluation_tables import ConfusionView, class_table, score_table

    which = "images, all of them" if split == "all" else _NAMES[split]
    print(f"Scores on {evaluation.n:,} {which}\n")
    show(score_table(evaluation))
    print()
    show(class_table(evaluation))
    print("\nConfusions")
    show(ConfusionView(evaluation))
