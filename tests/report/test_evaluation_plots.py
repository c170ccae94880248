"""The confusion matrix and the wrong images of the best model, and what a study keeps of them."""

import json

import numpy as np
import pytest

from pipeline.errors import StudyError
from pipeline.report.evaluated_model import WrongImage, most_wrong, read_evaluated_model, software_versions
from pipeline.report.plots.confusion import draw_confusion
from pipeline.report.plots.evaluation import CONFUSION, WRONG, evaluation_plots
from pipeline.report.plots.figure import png
from pipeline.report.plots.wrong import draw_wrong, shorten_path
from pipeline.study.paths import StudyPaths
from tests.report.made_up import TESTED, evaluated


@pytest.mark.parametrize("count", [2, 10, 100, 130, 400])
def test_confusion_matrices_of_all_sizes(count):
    axes = draw_confusion([f"${n} cats" for n in range(count)], np.eye(count, dtype=np.int64) * 1234).axes[0]
    assert axes.get_title("left") == f"{1234 * count:,} of {1234 * count:,} test images right"
    assert len(axes.texts) == (count if count <= 20 else 0)
    assert axes.get_ylabel() == ("true class" if count <= 100 else "true class (by number)")
    assert len(axes.get_yticklabels()) == count or count > 100
    if count <= 100:
        assert [label.get_text() for label in axes.get_yticklabels()][:2] == [r"\$0 cats", r"\$1 cats"]


def test_no_test_image_is_no_confusion_matrix():
    assert draw_confusion(["a", "b"], np.zeros((2, 2), np.int64)) is None


@pytest.mark.parametrize("shape", [(8, 8, 1), (10, 30, 3), (60, 10, 3)])
def test_the_sheet_of_wrong_images(shape):
    wrong = [WrongImage(f"train/a very long class/{n}_$_picture.png", "cat", "d" * 50, 0.9) for n in range(7)]
    figure = draw_wrong(wrong, [np.full(shape, 100, np.uint8)] * 7)
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts[1] == "is cat"
    assert texts[2].endswith("0.90")
    assert len(texts[2]) < 30
    assert png(figure).startswith(b"\x89PNG")
    assert draw_wrong([], []) is None


@pytest.mark.parametrize(
    "path", ["a.png", "cats/1.png", "image 12", "x" * 80, "a/b/c/" + "d" * 60 + ".png", "a" * 90 + "/1.png"]
)
def test_a_path_is_short_and_keeps_its_end(path):
    assert len(shorten_path(path)) <= 26
    assert shorten_path(path)[-4:] == path[-4:]


def test_the_most_confidently_wrong_come_first():
    probabilities = np.array([[0.6, 0.4], [0.1, 0.9], [0.3, 0.7], [1.0, 0.0]], np.float32)
    assert most_wrong(probabilities, np.array([1, 0, 0, 0])).tolist() == [1, 2, 0]
    assert most_wrong(probabilities, np.array([1, 0, 0, 0]), most=1).tolist() == [1]
    assert most_wrong(probabilities[:0], np.zeros(0, np.int64)).tolist() == []


def test_what_an_older_version_wrote_is_read(tmp_path):
    paths = StudyPaths(tmp_path)
    assert read_evaluated_model(paths) is None
    old = {name: value for name, value in TESTED.items() if name not in ("data", "validation", "wrong", "versions")}
    paths.evaluation.write_text(json.dumps(old))
    model = read_evaluated_model(paths)
    assert (model.model.trial, model.n, model.wrong, model.data, model.validation) == (0, 10, (), "", 0)
    assert list(evaluation_plots(model, paths)) == [CONFUSION]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"best_model": {}}'])
def test_a_damaged_file_is_one_line_with_advice(tmp_path, text):
    paths = StudyPaths(tmp_path)
    paths.evaluation.write_text(text)
    with pytest.raises(StudyError, match=r"test\.json: damaged; remove it, and `convtune tune --study"):
        read_evaluated_model(paths)


def test_the_sheet_is_kept_as_a_plot_and_the_matrix_is_drawn(tmp_path):
    paths = evaluated(StudyPaths(tmp_path))
    model = read_evaluated_model(paths)
    assert model.wrong[0].file == "cats/1.png"
    assert list(evaluation_plots(model, paths)) == [CONFUSION]
    paths.plots.mkdir()
    (paths.plots / WRONG).write_bytes(b"a plot")
    assert evaluation_plots(model, paths)[WRONG] == b"a plot"


def test_the_versions_of_what_is_installed():
    assert {"python", "keras", "numpy", "optuna"} <= software_versions().keys()
