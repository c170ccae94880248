"""Draws what the best model makes of the test images: its confusion matrix, and those that it gets wrong."""

from typing import Any

from pipeline.arrays import Probabilities
from pipeline.console import warn_without
from pipeline.data import Dataset
from pipeline.metrics.evaluation import evaluate
from pipeline.report.evaluated_model import EvaluatedModel, describe_test, describe_wrong, most_wrong
from pipeline.report.plots.confusion import draw_confusion
from pipeline.report.plots.draw import write_plots
from pipeline.report.plots.figure import png
from pipeline.report.plots.wrong import draw_wrong
from pipeline.study.paths import StudyPaths

CONFUSION, WRONG = "confusion.png", "wrong.png"


def evaluate_test(paths: StudyPaths, dataset: Dataset, probabilities: Probabilities) -> dict[str, Any]:
    """All that ``test.json`` says of the test images, whose ``probabilities`` are (n, classes).

    Draws those that are most confidently wrong into the study's folder, since a report has no pixels.
    """
    chosen = most_wrong(probabilities, dataset.labels[dataset.test])
    rows = dataset.test[chosen]
    wrong = describe_wrong(dataset, rows.tolist(), probabilities[chosen])
    with warn_without("plot of the wrong images"):
        figure = draw_wrong(wrong, [dataset.images[row] for row in rows])
        write_plots({} if figure is None else {WRONG: png(figure)}, (WRONG,), paths.plots)
    evaluation = evaluate(dataset.labels[dataset.test], probabilities, dataset.classes)
    return {**evaluation.as_dict(), **describe_test(dataset, wrong)}


def evaluation_plots(evaluated: EvaluatedModel, paths: StudyPaths) -> dict[str, bytes]:
    """The confusion matrix, which is drawn, and the wrong images, which the study keeps as a plot, by name."""
    figure, wrong = draw_confusion(evaluated.classes, evaluated.confusion), paths.plots / WRONG
    drawn = {} if figure is None else {CONFUSION: png(figure)}
    return {**drawn, **({WRONG: wrong.read_bytes()} if evaluated.wrong and wrong.is_file() else {})}
