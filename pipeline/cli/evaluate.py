"""``convtune evaluate``: how good a model is on images whose classes are known, and whether another one is better."""

import argparse
from typing import TYPE_CHECKING

from pipeline.cli.evaluation_data import NAMES, EvaluationData, read_images
from pipeline.cli.model_argument import add_model, find_model, locate_model
from pipeline.cli.types import whole_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.cli.model_argument import ModelSource
    from pipeline.metrics.mcnemar import McNemar
    from pipeline.report.measured_model import MeasuredModel

HELP = "measure a model: every metric, each class, calibration, latency; compare it with another one"

EXAMPLES = ("convtune evaluate mine --data photos", "convtune evaluate exports/mine --data holdout --compare mine")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the models and the flags."""
    add_model(parser)
    parser.add_argument("--data", metavar="PATH|NAME", required=True, help="folder, .npz file or name of a dataset")
    parser.add_argument(
        "--split",
        choices=tuple(NAMES),
        type=lambda word: {"validation": "val", "": None}.get(word, word),
        help="part to measure (default: test; all images of other data without test images of its own)",
    )
    parser.add_argument(
        "--seed", type=whole_number(0), metavar="N", help="seed of the splits (default: the seed of the model's study)"
    )
    compare = "another model: whether the two really differ in accuracy, by McNemar's test on the same images"
    parser.add_argument("--compare", metavar="MODEL2", help=compare)
    parser.add_argument("--json", action="store_true", help="print a JSON object")


def run(args: argparse.Namespace) -> int:
    """Measures the models and prints what was measured."""
    models = [find_model(args), *([locate_model(args.compare)] if args.compare else [])]
    images = read_images(models, args.data, args.split, args.seed, quiet=args.json)
    measured = [_measure(model, of_model) for model, of_model in zip(models, images, strict=True)]
    _print_notes(models, images, measured, args.json)
    comparison = _compare(images[0], measured) if args.compare else None
    (_print_json if args.json else _print)(images[0], measured, comparison)
    seen = any(of_model.seen_by(model.require_metadata()) for model, of_model in zip(models, images, strict=True))
    if comparison is not None and seen and not args.json:
        print("Some of these images have trained or chosen one of them: new ones may say otherwise.")
    return 0


def _measure(model: "ModelSource", images: EvaluationData) -> "MeasuredModel":
    from pipeline.executors import call
    from pipeline.files import size_of
    from pipeline.metrics.evaluation import evaluate
    from pipeline.report.measured_model import MeasuredModel
    from pipeline.training.task import PredictAndTime
    from pipeline.training.worker import model_worker

    runnable = model.runnable()
    with model_worker(f"evaluating {len(images.rows):,} images with {model.file}") as worker:
        probabilities, latencies = call(worker, PredictAndTime(runnable, images.data, images.rows))
    probabilities = probabilities[:, images.outputs]
    evaluation = evaluate(images.data.labels[images.rows], probabilities, images.classes)
    size = size_of(model.file)
    return MeasuredModel(model.file, model.format.name, evaluation, probabilities, tuple(latencies), size)


def _print_notes(
    models: "Sequence[ModelSource]",
    images: "Sequence[EvaluationData]",
    measured: "Sequence[MeasuredModel]",
    as_json: bool,
) -> None:
    """Says on stderr what the data is, and what limits the meaning of the scores."""
    from pipeline.console import note

    if not as_json:
        note(images[0].describe())
    for model, of_model, result in zip(models, images, measured, strict=True):
        lines = of_model.notes(model.require_metadata(), result.evaluation.false_alarms)
        which = f"{model.file}: " if len(models) > 1 else ""
        note(*(f"note: {which}{line}" for line in lines))


def _compare(images: EvaluationData, measured: "Sequence[MeasuredModel]") -> "McNemar":
    from pipeline.metrics.mcnemar import compare

    first, second = (result.probabilities for result in measured)
    return compare(images.data.labels[images.rows], first, second)


def _print_json(images: EvaluationData, measured: "Sequence[MeasuredModel]", comparison: "McNemar | None") -> None:
    import json

    from pipeline.report.measured_model import describe_machine

    first, *others = (result.as_dict() for result in measured)
    compared = {} if comparison is None else {"comparison": {**comparison.as_dict(), "second": others[0]}}
    everything = {"split": images.split, **first, "machine": describe_machine().as_dict(), **compared}
    print(json.dumps(everything, indent=1, ensure_ascii=False))


def _print(images: EvaluationData, measured: "Sequence[MeasuredModel]", comparison: "McNemar | None") -> None:
    from pipeline.console import show
    from pipeline.report.comparison_tables import agreement_table, conclusion, cost_table, legend
    from pipeline.report.evaluation_tables import ConfusionView, class_table, score_table
    from pipeline.report.measured_model import describe_machine

    evaluations = [result.evaluation for result in measured]
    which = "images, all of them" if images.split == "all" else NAMES[images.split]
    print(f"Scores on {evaluations[0].n:,} {which}, with 95 % intervals\n")
    if comparison is not None:
        show(legend(measured))
        print()
    show(score_table(*evaluations))
    if comparison is None:
        print()
        show(class_table(evaluations[0]))
        print("\nConfusions")
        show(ConfusionView(evaluations[0]))
    print(f"\nTime of a call on {describe_machine()}, and size")
    show(cost_table(measured))
    if comparison is not None:
        print("\nRight and wrong on the same images")
        show(agreement_table(comparison))
        print()
        show(conclusion(comparison))
