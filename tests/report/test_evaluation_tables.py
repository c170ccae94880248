"""Tables of an evaluation."""

import numpy as np
from rich.console import Console

from pipeline.metrics import METRICS
from pipeline.metrics.evaluation import Evaluation
from pipeline.report.evaluation_tables import ConfusionView, class_table, score_table


def rendered(renderable, width=80) -> list[str]:
    console = Console(width=width, highlight=False)
    with console.capture() as captured:
        console.print(renderable)
    return [" ".join(line.split()) for line in captured.get().splitlines()]


def evaluation(classes, confusion, scores=None):
    hits = np.diag(confusion)
    precision, recall = hits / confusion.sum(axis=0), hits / confusion.sum(axis=1)
    f1 = 2 * precision * recall / (precision + recall)
    return Evaluation(classes, confusion, precision, recall, f1, scores or {})


EVALUATION = evaluation(("cat", "[dog]"), np.array([[3, 1], [0, 2000]]))


def test_one_row_per_class():
    assert rendered(class_table(EVALUATION)) == [
        "class precision recall F1 images",
        "cat 1.0000 0.7500 0.8571 4",
        "[dog] 0.9995 1.0000 0.9998 2,000",
    ]


def test_a_class_without_images_has_no_recall():
    absent = Evaluation(("cat", "dog"), np.array([[3, 1], [0, 0]]), np.array([1.0, 0.0]), *np.full((2, 2), np.nan), {})
    assert rendered(class_table(absent))[2] == "dog 0.0000 n/a n/a 0"


def test_one_row_per_metric():
    scores = {"accuracy": 0.99951, "balanced_accuracy": 0.875, "f1_macro": 0.0, "log_loss": 12.5, "roc_auc": np.nan}
    assert rendered(score_table(evaluation(("cat", "dog"), np.eye(2, dtype=int), scores))) == [
        "accuracy 0.9995",
        "balanced accuracy 0.8750",
        "macro F1 0.0000",
        "log loss 12.5000",
        "ROC AUC n/a",
        "top-5 accuracy n/a",
    ]


def test_every_metric_has_a_row():
    rows = rendered(score_table(EVALUATION))
    assert [row.rsplit(" ", 1)[0] for row in rows] == [metric.label for metric in METRICS.values()]


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
