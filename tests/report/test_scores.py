"""Tables of an evaluation."""

import numpy as np
from rich.console import Console

from pipeline.report.metrics import Evaluation
from pipeline.report.scores import ConfusionView, score_table


def shown(renderable, width=80) -> list[str]:
    console = Console(width=width, highlight=False)
    with console.capture() as captured:
        console.print(renderable)
    return [" ".join(line.split()) for line in captured.get().splitlines()]


RESULT = Evaluation(("cat", "[dog]"), np.array([[3, 1], [0, 2000]]))


def test_a_line_a_class():
    assert shown(score_table(RESULT)) == [
        "class precision recall F1 images",
        "cat 1.0000 0.7500 0.8571 4",
        "[dog] 0.9995 1.0000 0.9998 2,000",
    ]


def test_a_small_matrix_is_shown_whole():
    assert shown(ConfusionView(RESULT)) == ["true \\ predicted cat [dog]", "cat 3 1", "[dog] . 2,000"]


def test_a_wide_one_becomes_its_most_frequent_confusions():
    matrix = np.diag(np.full(40, 5))
    matrix[3, 7], matrix[0, 1] = 4, 9
    names = tuple(f"class {number}" for number in range(40))
    assert shown(ConfusionView(Evaluation(names, matrix))) == [
        "true predicted images",
        "class 0 class 1 9",
        "class 3 class 7 4",
    ]
    assert len(shown(ConfusionView(Evaluation(names, matrix)), width=1000)) == 41
