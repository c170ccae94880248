"""Plots of a search."""

import io
import subprocess
import sys
import warnings
from dataclasses import replace

import pytest
from PIL import Image

from pipeline.metrics import ACCURACY, METRICS
from pipeline.report.plots.curves import draw_curves, read_curve
from pipeline.report.plots.draw import SEARCH, draw_search, write_plots
from pipeline.report.plots.figure import ScoreRange, png, shorten
from pipeline.report.plots.front import draw_front, stairs
from pipeline.report.plots.history import best_so_far, draw_history
from pipeline.report.plots.importance import draw_importance
from pipeline.report.plots.parallel import draw_parallel
from pipeline.report.plots.slices import draw_slices
from pipeline.report.plots.timeline import draw_timeline
from pipeline.report.study_trials import StudyTrials
from pipeline.study.history import append_history
from pipeline.study.objective import Objective
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


def draw(records, importances, folder):
    """The names of the plots that are drawn of the trials."""
    return list(draw_search(StudyTrials(folder, records, records, importances)))


def test_a_search_with_everything(folder):
    records = [
        record(number, score, state, params={"blocks": number % 3, "learning_rate": 0.1**number}, macs=9**number)
        for number, (score, state) in enumerate(
            [
                (0.7, TrialState.COMPLETE),
                (0.5, TrialState.PRUNED),
                (0.9, TrialState.COMPLETE),
                (None, TrialState.FAILED),
                (0.6, TrialState.INTERRUPTED),
            ]
        )
    ]
    for record_ in records:
        learn(folder, record_.number, [0.4, record_.score or 0.2])
    runs = [replace(one, trial=replace(one.trial, began=10.0 * one.number, slot=one.number % 2)) for one in records]
    plots = draw_search(StudyTrials(folder, records, runs, {"blocks": 0.75, "learning_rate": 0.25}))
    assert list(plots) == [name for name in SEARCH if name not in ("front_parameters.png", "front_latency.png")]
    for content in plots.values():
        with Image.open(io.BytesIO(content)) as image:
            assert image.format == "PNG"
            assert image.width >= 500
            assert len(set(image.convert("L").resize((80, 50)).tobytes())) > 3
    write_plots(plots, SEARCH, folder.plots)
    assert {path.name: path.read_bytes() for path in folder.plots.iterdir()} == plots


def test_nothing_to_draw_is_no_plot(folder):
    assert draw([], {}, folder) == []
    assert draw([record(0, None, TrialState.FAILED)], {}, folder) == []
    assert draw([record(0, None, TrialState.RUNNING)], {}, folder) == []


@pytest.mark.parametrize("state", [state for state in TrialState if state is not TrialState.RUNNING])
def test_one_trial(folder, state):
    assert draw([record(0, 0.5, state)], {}, folder) == ["history.png"]


def test_a_plot_of_an_earlier_run_does_not_stay(folder):
    write_plots({"history.png": b"1", "curves.png": b"2"}, SEARCH, folder.plots)
    write_plots({"history.png": b"3"}, SEARCH, folder.plots)
    assert {path.name: path.read_bytes() for path in folder.plots.iterdir()} == {"history.png": b"3"}


@pytest.mark.parametrize(
    "content", ["", "epoch,loss\n1,2\n", "epoch,val_accuracy\n1,nan\n", "epoch,val_accuracy\n1,x\n", "\0"]
)
def test_a_history_without_scores_is_left_out(folder, content):
    folder.history(0).parent.mkdir(parents=True)
    folder.history(0).write_text(content)
    assert draw([record(0, 0.5)], {}, folder) == ["history.png"]


def test_a_cut_off_history_is_drawn_as_far_as_it_goes(folder):
    learn(folder, 0, [0.1, 0.2])
    with folder.history(0).open("a") as file:
        file.write("3,0.5")
    [line] = draw_curves([record(0, 0.5)], folder).axes[0].lines
    assert list(line.get_ydata()) == [0.1, 0.2]


def test_pruned_curves_are_grey_and_the_best_others_have_labels(folder):
    records = [record(0, 0.9, TrialState.PRUNED), record(1, 0.8), record(2, 0.7), record(3, None, TrialState.FAILED)]
    for one in records:
        learn(folder, one.number, [0.1, one.score or 0.2])
    axes = draw_curves(records, folder).axes[0]
    labels = axes.get_legend_handles_labels()[1]
    assert set(labels) == {"pruned", "failed", "other trials", "trial 1: 0.8000", "trial 2: 0.7000"}
    assert len(axes.lines) == 2


def test_of_very_many_curves_the_best_and_the_latest_are_drawn_and_the_rest_is_counted(folder, monkeypatch):
    monkeypatch.setattr("pipeline.report.plots.curves._MOST", 8)
    records = [record(number, 0.9 - number / 100) for number in range(20)]
    for one in records[:-1]:  # the last one has not finished an epoch
        learn(folder, one.number, [0.1, one.number / 100])
    figure = draw_curves(records, folder)
    assert above(figure) == "8 of 19 trials: the best and the latest"
    axes = figure.axes[0]
    others = [curve[-1][1] for curve in axes.collections[0].get_segments()]
    assert others == [0.16, 0.17, 0.18]
    assert [line.get_label()[:8] for line in axes.lines] == [f"trial {number}:" for number in range(5)]


def front(*points, metric=ACCURACY):
    records = [
        record(number, score, macs=macs, metric=metric, minimized=("macs",))
        for number, (score, macs) in enumerate(points)
    ]
    pruned = record(99, 0.99, TrialState.PRUNED, macs=1, metric=metric, minimized=("macs",))
    return mark_front([*records, pruned])


def test_the_score_against_each_minimized_cost_and_macs(folder):
    records = front((0.9, 9_000_000), (0.8, 2_000_000), (0.7, 5_000_000))
    assert "front_macs.png" in draw(records, {}, folder)
    small = [record(n, 0.5 + n / 9, parameters=n + 1, minimized=("parameters",)) for n in range(3)]
    assert [name for name in draw(small, {}, folder) if name.startswith("front")] == ["front_parameters.png"]
    assert "front_macs.png" in draw([record(0, 0.5, macs=10), record(1, 0.6, macs=20)], {}, folder)
    assert "front_macs.png" not in draw([record(0, 0.5, macs=10), record(1, 0.6, macs=10)], {}, folder)


def test_a_front_of_one_trial_or_of_none(folder):
    assert "front_macs.png" in draw(front((0.9, 5)), {}, folder)
    assert "front_macs.png" in draw(front((0.9, 0), (0.9, 0)), {}, folder)
    assert "front_macs.png" not in draw(front(), {}, folder)


def test_without_a_minimized_cost_the_front_is_that_of_score_and_macs():
    axes = draw_front([record(0, 0.5, macs=10), record(1, 0.4, macs=20), record(2, 0.6, macs=40)], "macs").axes[0]
    assert {text.get_text() for text in axes.texts} == {"0", "2"}


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


def test_no_global_state_of_pyplot_and_no_second_for_scikit_learn():
    code = "import sys, pipeline.report.plots.draw; sys.exit(bool({'matplotlib.pyplot', 'sklearn'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.parametrize(("metric", "scale"), [(LOG_LOSS, "log"), (ACCURACY, "linear")])
def test_scores_without_an_upper_end_have_a_logarithmic_axis(folder, metric, scale):
    records = [record(0, 0.0, metric=metric), record(1, 0.9, metric=metric)]
    learn(folder, 1, [0.0, 0.9], metric.logged_as)
    for figure in (draw_history(records), draw_curves(records, folder)):
        assert figure.axes[0].get_yscale() == scale


def wide(count, scores):
    """Trials in a space of so many hyperparameters of all kinds; one of them is conditional."""
    return [
        record(
            number,
            score,
            params={f"h{i}": number * i for i in range(count)}
            | {"rate": 0.1**number, "name": f"the $ of {number % 2}", "flip": bool(number % 2)}
            | ({"width": number} if number % 2 else {}),
        )
        for number, score in enumerate(scores)
    ]


@pytest.mark.parametrize("metric", [ACCURACY, LOG_LOSS])
@pytest.mark.parametrize("draw_", [draw_parallel, draw_slices])
def test_at_most_twelve_hyperparameters_are_drawn_the_most_important_ones(draw_, metric):
    records = [replace(one, objective=Objective(metric)) for one in wide(30, [0.5, 0.6, 0.9])]
    figure = draw_(records, {"h29": 1.0})
    shown = {text.get_text() for axes in figure.axes for text in (*axes.get_xticklabels(), axes.title)}
    assert {"h29", "h1"} <= shown
    assert "h28" not in shown
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert png(figure).startswith(b"\x89PNG")


def test_plots_say_above_themselves_only_what_their_headings_do_not(folder):
    good = [record(number, 0.9 + number / 1000, params={"blocks": number}, macs=9 + number) for number in range(20)]
    few = [replace(one, trial=replace(one.trial, began=1.0, slot=0)) for one in good[:2]]
    learn(folder, 0, [0.1, 0.9])
    plain = [draw_history(few), draw_importance({"blocks": 1.0}, 20), draw_parallel(few, {}), draw_slices(few, {})]
    plain += [draw_front(few, "macs"), draw_curves(few, folder), draw_timeline(few)]
    assert [above(figure) for figure in plain] == [""] * len(plain)
    assert above(draw_history([*good, record(20, 0.1)])) == "1 worse, at the edge"
    assert above(draw_parallel(wide(30, [0.5, 0.6]), {})) == "the first 12 of 33 hyperparameters"


def above(figure):
    """The title and the remark of a plot."""
    return figure.get_suptitle() + "".join(figure.axes[0].get_title(place) for place in ("left", "right"))


@pytest.mark.parametrize("metric", [ACCURACY, LOG_LOSS])
def test_the_best_of_the_parallel_lines_is_the_thickest_and_good_ones_are_dark(metric):
    records = [record(n, 0.1 + n / 10, params={"blocks": n}, metric=metric) for n in range(8)]
    axes = draw_parallel(records, {}).axes[0]
    [best] = [line for line in axes.lines if line.get_label().startswith("best")]
    lines = axes.collections[0]
    assert best.get_linewidth() > 1.5 * max(lines.get_linewidths())
    assert best.get_zorder() > lines.get_zorder()
    lines.update_scalarmappable()
    light = [color[:3].mean() for color in lines.get_colors()]  # the worst trials are drawn first
    assert light == sorted(light, reverse=True)
    assert light[0] < 0.8
    assert light[-1] < 0.3


@pytest.mark.parametrize("draw_", [draw_parallel, draw_slices])
def test_parallel_coordinates_and_slices_need_two_trials_that_differ(draw_):
    assert draw_(wide(1, [0.5]), {}) is None
    assert draw_([record(0, 0.5), record(1, 0.6)], {}) is None
    assert draw_([record(0, 0.5, params={"a": 1}), record(1, 0.5, params={"a": 2})], {}) is not None


def test_a_few_poor_scores_do_not_flatten_the_others():
    good = [0.9 + number / 1000 for number in range(20)]
    shown = ScoreRange.of([*good, 0.1, 0.2], ACCURACY)
    assert shown == (min(good), max(good), ACCURACY, 2)
    assert (shown.clip(0.1), shown.clip(0.91)) == (shown.low, 0.91)
    assert ScoreRange.of(good, ACCURACY) == (min(good), max(good), ACCURACY, 0)
    assert ScoreRange.of([0.5], ACCURACY).outside == ScoreRange.of([0.1, 900.0], LOG_LOSS).outside == 0


def test_no_name_is_a_formula():
    assert shorten("$x^2$", 20) == r"\$x^2\$"
