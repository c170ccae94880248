"""Tables of an evaluation."""

import numpy as np
from rich.console import Console

from pipeline.metrics import METRICS
from pipeline.metrics.evaluation import Evaluation, evaluate
from pipeline.metrics.interval import Interval
from pipeline.report.evaluation_tables import ConfusionView, class_table, score_table


def rendered(renderable, width=80) -> list[str]:
    console = Console(width=width, highlight=False)
    with console.capture() as captured:
        console.print(renderable)
    return [" ".join(line.split()) for line in captured.get().splitlines()]


def evaluation(classes, confusion, scores=None, intervals=None):
    hits = np.diag(confusion)
    precision, recall = hits / confusion.sum(axis=0), hits / confusion.sum(axis=1)
    f1 = 2 * precision * recall / (precision + recall)
    return Evaluation(classes, confusion, precision, recall, f1, scores or {}, intervals or {})


EVALUATION = evaluation(("cat", "[dog]"), np.array([[3, 1], [0, 2000]]))


def test_one_row_per_class():
    assert rendered(class_table(EVALUATION)) == [
        "class precision recall 95 % interval F1 images",
        "cat 1.0000 0.7500 0.3006 to 0.9544 0.8571 4",
        "[dog] 0.9995 1.0000 0.9981 to 1.0000 0.9998 2,000",
    ]


def test_a_class_without_images_has_no_recall():
    absent = Evaluation(("cat", "dog"), np.array([[3, 1], [0, 0]]), np.array([1.0, 0.0]), *np.full((2, 2), np.nan), {})
    assert rendered(class_table(absent))[2] == "dog 0.0000 n/a n/a n/a 0"


def test_one_row_per_metric():
    scores = {"accuracy": 0.99951, "balanced_accuracy": 0.875, "f1_macro": 0.0, "log_loss": 12.5, "roc_auc": np.nan}
    measured = evaluation(("cat", "dog"), np.eye(2, dtype=int), scores, {"accuracy": Interval(0.9, 1.0)})
    assert rendered(score_table(measured)) == [
        "score 95 % interval",
        "accuracy 0.9995 0.9000 to 1.0000",
        "balanced accuracy 0.8750 n/a",
        "macro F1 0.0000 n/a",
        "log loss 12.5000 n/a",
        "ROC AUC n/a n/a",
        "top-5 accuracy n/a needs 6 classes",
    ]


def test_every_metric_and_the_calibration_have_a_row():
    labels, probabilities = np.array([0, 1]), np.array([[0.75, 0.25], [0.75, 0.25]])
    rows = rendered(score_table(evaluate(labels, probabilities, ("cat", "dog"))))[1:]
    assert [row.startswith(metric.label) for row, metric in zip(rows, METRICS.values(), strict=False)] == [True] * 6
    assert rows[6:] == ["calibration error 0.2500", "mean confidence 0.7500"]


def test_two_models_side_by_side_fit_a_terminal():
    first, second = (
        evaluate(np.array([0, 1]), np.array([[p, 1 - p], [p, 1 - p]]), ("cat", "dog")) for p in (0.75, 0.25)
    )
    console = Console(width=80)
    assert console.measure(score_table(first, second)).maximum <= 80
    lines = rendered(score_table(first, second))
    assert lines[0] == "first 95 % interval second 95 % interval"
    assert lines[1] == "accuracy 0.5000 0.0945 to 0.9055 0.5000 0.0945 to 0.9055"


def test_a_small_matrix_is_shown_whole():
    assert rendered(ConfusionView(EVALUATION)) == ["true \\ predicted cat [dog]", "cat 3 1", "[dog] . 2,000"]


def test_a_wide_one_becomes_its_most_frequent_confusions():
    matrix = np.diag(np.full(40, 5))
    matrix[3, 7], matrix[0, 1] = 4, 9
    view = ConfusionView(evaluation(tuple(f"class {number}" for number in range(40)), matrix))
    assert rendered(view) == [
        "true predicted images",
        "class 0 class 1 9",
        "class 3 class 7 4",
    ]
    assert len(rendered(view, width=1000)) == 41


def test_long_names_are_shortened():
    names = ("a class with a very long name", "dog")
    first, *rows = rendered(ConfusionView(evaluation(names, np.array([[3, 1], [1, 2]]))))
    assert first == "true \\ predicted a class… dog"
    assert rows[0] == "a class with a very lon… 3 1"
