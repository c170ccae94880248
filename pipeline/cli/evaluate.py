"""``convtune evaluate``: how a model does on images with known classes."""

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.data import Dataset
    from pipeline.model_card import ModelCard
    from pipeline.report.metrics import Evaluation

HELP = "measure a model: accuracy, precision, recall, F1, confusion matrix"
SPLITS = ("test", "validation", "train")


def arguments(parser: argparse.ArgumentParser) -> None:
    """The model, the data, and which part of it."""
    parser.add_argument("model", metavar="MODEL", help="a .keras file that `convtune export` wrote")
    parser.add_argument("--data", metavar="PATH|NAME", required=True, help="folder, .npz file or name of a dataset")
    parser.add_argument("--split", metavar="|".join(SPLITS), default="test", help="part of the data (default test)")
    parser.add_argument("--seed", metavar="N", help="seed of the splits (default: the one of the model's study)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Prints the scores."""
    from pathlib import Path

    from pipeline import model_card
    from pipeline.executors import call
    from pipeline.loading import announce, keras_worker, load_data, whole
    from pipeline.report.metrics import evaluate

    _check_split(args.split)
    model_file = Path(args.model)
    card = model_card.get(model_file)
    seed = whole("--seed", args.seed, 0) if args.seed else card.seed
    data = load_data(args.data, card.shape[:2], seed, quiet=args.json, channels=card.shape[2])
    columns = match_classes(model_file, card, data)
    rows = {"test": data.test, "validation": data.validation, "train": data.train}[args.split]
    with keras_worker(f"evaluating {len(rows):,} images") as worker:
        probabilities = call(worker, "pipeline.training.predict:over_dataset", model_file, data, rows)
    if not args.json:
        announce(data)
    _note_difference(card, data, seed)
    _print(evaluate(probabilities[:, columns], data.labels[rows], data.classes), args.split, args.json)
    return 0


def _check_split(name: str) -> None:
    from pipeline.errors import JobError, nearest

    if name not in SPLITS:
        raise JobError(f"--split: expected one of {', '.join(SPLITS)}{nearest(name, SPLITS)}, got {name!r}")


def match_classes(model_file: "Path", card: "ModelCard", data: "Dataset") -> list[int]:
    """The model's output for each class of the data; ModelError unless both know the same classes."""
    from pipeline.errors import ModelError

    missing = [name for name in card.classes if name not in data.classes]
    unknown = [name for name in data.classes if name not in card.classes]
    if missing or unknown:
        which = "; ".join(
            f"{what}: {_listed(names)}"
            for what, names in (("only the model has", missing), ("only the data has", unknown))
            if names
        )
        raise ModelError(f"{model_file}: expected data with the {len(card.classes)} classes of the model ({which})")
    return [card.classes.index(name) for name in data.classes]


def _listed(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _note_difference(card: "ModelCard", data: "Dataset", seed: int) -> None:
    import sys

    if data.digest != card.digest:
        print(f"note: not the data the model was trained on ({card.dataset}); its images may differ", file=sys.stderr)
    elif seed != card.seed:
        print(
            f"note: split by seed {seed}, trained with seed {card.seed}: images may be ones it was trained on",
            file=sys.stderr,
        )


def _print(result: "Evaluation", split: str, as_json: bool) -> None:
    if as_json:
        import json

        print(json.dumps({"split": split, **result.as_dict()}, indent=1, ensure_ascii=False))
        return
    from pipeline.printing import show
    from pipeline.report.scores import ConfusionView, score_table

    print(f"Accuracy on {result.n:,} images of the {split} split: {result.accuracy:.4f}\n")
    show(score_table(result))
    print("\nConfusions")
    show(ConfusionView(result))
