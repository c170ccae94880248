"""Pictures of a search."""

import subprocess
import sys

import pytest
from PIL import Image

from pipeline.metrics import ACCURACY, METRICS
from pipeline.report.plots.curves import draw_curves, read_curve
from pipeline.report.plots.draw import draw_plots
from pipeline.report.plots.front import draw_front, stairs
from pipeline.report.plots.history import best_so_far, draw_history
from pipeline.study.history import append_history
from pipeline.study.paths import StudyPaths
from pipeline.study.record import mark_front
from pipeline.study.trial import EpochReport, TrialState
from tests.report.made_up import record

LOG_LOSS = METRICS["log_loss"]


@pytest.fixture
def folder(tmp_path):
    return StudyPaths(tmp_path / "s")


def learn(folder, number, scores, logged_as="val_accuracy"):
    for epoch, score in enumerate(scores, start=1):
        append_history(folder.history(number), EpochReport(number, epoch, {"loss": 1.0, logged_as: score}, epoch))


def names(paths):
    return [path.name for path in paths]


def test_all_three(folder):
    records = [record(0, 0.7), record(1, 0.5, TrialState.PRUNED), record(2, 0.9), record(3, None, TrialState.FAILED)]
    for record_ in records[:3]:
        learn(folder, record_.number, [0.4, record_.score])
    drawn = draw_plots(records, {"blocks": 0.75, "learning_rate": 0.25}, folder)
    assert names(drawn) == ["history.png", "importance.png", "curves.png"]
    for path in drawn:
        with Image.open(path) as picture:
            assert picture.format == "PNG"
            assert picture.width >= 700
            assert len(set(picture.convert("L").resize((80, 50)).tobytes())) > 3
    assert sorted(folder.plots.iterdir()) == sorted(drawn)


def test_nothing_to_draw_is_no_file(folder):
    assert draw_plots([], {}, folder) == []
    assert draw_plots([record(0, None, TrialState.FAILED)], {}, folder) == []
    assert draw_plots([record(0, 0.5, TrialState.INTERRUPTED)], {}, folder) == []
    assert not folder.plots.exists()


@pytest.mark.parametrize("state", [TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAILED])
def test_one_trial(folder, state):
    assert names(draw_plots([record(0, 0.5, state)], {}, folder)) == ["history.png"]


def test_an_old_picture_does_not_stay(folder):
    draw_plots([record(0, 0.5)], {"blocks": 1.0}, folder)
    assert names(draw_plots([record(0, 0.5)], {}, folder)) == ["history.png"]
    assert names(folder.plots.iterdir()) == ["history.png"]


@pytest.mark.parametrize(
    "content", ["", "epoch,loss\n1,2\n", "epoch,val_accuracy\n1,nan\n", "epoch,val_accuracy\n1,x\n", "\0"]
)
def test_a_history_without_scores_is_left_out(folder, content):
    folder.history(0).parent.mkdir(parents=True)
    folder.history(0).write_text(content)
    assert names(draw_plots([record(0, 0.5)], {}, folder)) == ["history.png"]


def test_a_cut_off_history_is_drawn_as_far_as_it_goes(folder):
    learn(folder, 0, [0.1, 0.2])
    with folder.history(0).open("a") as file:
        file.write("3,0.5")
    assert "curves.png" in names(draw_plots([record(0, 0.5)], {}, folder))


def front(*points, metric=ACCURACY):
    records = [
        record(number, score, macs=macs, metric=metric, minimized=("macs",))
        for number, (score, macs) in enumerate(points)
    ]
    pruned = record(99, 0.99, TrialState.PRUNED, macs=1, metric=metric, minimized=("macs",))
    return mark_front([*records, pruned])


def test_the_score_against_each_minimized_cost(folder):
    records = front((0.9, 9_000_000), (0.8, 2_000_000), (0.7, 5_000_000))
    assert names(draw_plots(records, {}, folder)) == ["history.png", "front_macs.png"]
    assert names(draw_plots([record(0, 0.5)], {}, folder)) == ["history.png"]
    assert not (folder.plots / "front_macs.png").exists()


def test_a_front_of_one_trial_or_of_none(folder):
    assert "front_macs.png" in names(draw_plots(front((0.9, 5)), {}, folder))
    assert "front_macs.png" in names(draw_plots(front((0.9, 0), (0.9, 0)), {}, folder))
    assert "front_macs.png" not in names(draw_plots(front(), {}, folder))


def test_the_stairs_rise_from_the_cheapest_to_the_most_expensive():
    records = front((0.9, 9), (0.8, 2), (0.7, 5), (0.6, 20), (0.1, 1))[:-1]
    assert stairs(records, "macs") == ([1, 2, 9, 20], [0.1, 0.8, 0.9, 0.9])


def test_the_stairs_fall_where_lower_is_better():
    records = front((0.1, 9), (0.2, 2), (0.3, 5), (0.4, 20), (0.9, 1), metric=LOG_LOSS)[:-1]
    assert stairs(records, "macs") == ([1, 2, 9, 20], [0.9, 0.2, 0.1, 0.1])


@pytest.mark.parametrize(("metric", "best"), [(ACCURACY, [0.5, 0.5, 0.5, 0.7]), (LOG_LOSS, [0.5, 0.5, 0.3, 0.3])])
def test_the_best_so_far_is_the_best_complete_score_by_the_metric(metric, best):
    pruned = TrialState.PRUNED
    scores = [(0.1, pruned), (0.5, TrialState.COMPLETE), (0.9, pruned), (0.3, TrialState.COMPLETE)]
    records = [record(number, score, state, metric=metric) for number, (score, state) in enumerate(scores)]
    records.append(record(4, 0.7, metric=metric))
    assert best_so_far(records) == ([1, 2, 3, 4], best)


def test_axes_say_what_the_score_is(folder):
    records = front((0.3, 9), (0.5, 2), metric=LOG_LOSS)
    learn(folder, 0, [0.4, 0.3], "val_log_loss")
    for figure in (draw_history(records), draw_curves(records, folder), draw_front(records, "macs")):
        assert figure.axes[0].get_ylabel() == "validation log loss (lower is better)"


def test_curves_are_those_of_the_studys_metric(folder):
    learn(folder, 0, [0.4, 0.3], "val_log_loss")
    assert read_curve(folder.history(0), LOG_LOSS) == [0.4, 0.3]
    assert read_curve(folder.history(0), ACCURACY) == []


def test_no_global_state_of_pyplot():
    code = "import sys, pipeline.report.plots.draw; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.parametrize(("metric", "scale"), [(LOG_LOSS, "log"), (ACCURACY, "linear")])
def test_scores_without_an_upper_end_have_a_logarithmic_axis(folder, metric, scale):
    records = [record(0, 0.0, metric=metric), record(1, 0.9, metric=metric)]
    learn(folder, 1, [0.0, 0.9], metric.logged_as)
    for figure in (draw_history(records), draw_curves(records, folder)):
        assert figure.axes[0].get_yscale() == scale
