"""Pictures of a search."""

import subprocess
import sys

import pytest
from PIL import Image

from pipeline.folder import StudyFolder, append_history
from pipeline.record import with_front
from pipeline.report.plots import _stairs, plots
from pipeline.trial import Report, State
from tests.report.made_up import record


@pytest.fixture
def folder(tmp_path):
    return StudyFolder(tmp_path / "s")


def learn(folder, number, accuracies):
    for epoch, accuracy in enumerate(accuracies, start=1):
        append_history(folder.history(number), Report(number, epoch, {"loss": 1.0, "val_accuracy": accuracy}, epoch))


def names(paths):
    return [path.name for path in paths]


def test_all_three(folder):
    records = [record(0, 0.7), record(1, 0.5, State.PRUNED), record(2, 0.9), record(3, None, State.FAILED)]
    for one in records[:3]:
        learn(folder, one.number, [0.4, one.value])
    drawn = plots(records, {"blocks": 0.75, "learning_rate": 0.25}, folder)
    assert names(drawn) == ["history.png", "importance.png", "curves.png"]
    for path in drawn:
        with Image.open(path) as picture:
            assert picture.format == "PNG"
            assert picture.width >= 700
            assert len(set(picture.convert("L").resize((80, 50)).tobytes())) > 3
    assert sorted(folder.plots.iterdir()) == sorted(drawn)


def test_nothing_to_draw_is_no_file(folder):
    assert plots([], {}, folder) == []
    assert plots([record(0, None, State.FAILED)], {}, folder) == []
    assert plots([record(0, 0.5, State.INTERRUPTED)], {}, folder) == []
    assert not folder.plots.exists()


@pytest.mark.parametrize("state", [State.COMPLETE, State.PRUNED, State.FAILED])
def test_one_trial(folder, state):
    assert names(plots([record(0, 0.5, state)], {}, folder)) == ["history.png"]


def test_an_old_picture_does_not_stay(folder):
    plots([record(0, 0.5)], {"blocks": 1.0}, folder)
    assert names(plots([record(0, 0.5)], {}, folder)) == ["history.png"]
    assert names(folder.plots.iterdir()) == ["history.png"]


@pytest.mark.parametrize(
    "content", ["", "epoch,loss\n1,2\n", "epoch,val_accuracy\n1,nan\n", "epoch,val_accuracy\n1,x\n", "\0"]
)
def test_a_history_without_accuracies_is_left_out(folder, content):
    folder.history(0).parent.mkdir(parents=True)
    folder.history(0).write_text(content)
    assert names(plots([record(0, 0.5)], {}, folder)) == ["history.png"]


def test_a_cut_off_history_is_drawn_as_far_as_it_goes(folder):
    learn(folder, 0, [0.1, 0.2])
    with folder.history(0).open("a") as file:
        file.write("3,0.5")
    assert "curves.png" in names(plots([record(0, 0.5)], {}, folder))


def front(*points):
    records = [record(number, value, macs=macs) for number, (value, macs) in enumerate(points)]
    return with_front([*records, record(99, 0.99, State.PRUNED, macs=1)], ("macs",))


def test_accuracy_against_each_other_objective(folder):
    records = front((0.9, 9_000_000), (0.8, 2_000_000), (0.7, 5_000_000))
    assert names(plots(records, {}, folder)) == ["history.png", "front_macs.png"]
    assert names(plots([record(0, 0.5)], {}, folder)) == ["history.png"]
    assert not (folder.plots / "front_macs.png").exists()


def test_a_front_of_one_trial_or_of_none(folder):
    assert "front_macs.png" in names(plots(front((0.9, 5)), {}, folder))
    assert "front_macs.png" in names(plots(front((0.9, 0), (0.9, 0)), {}, folder))
    assert "front_macs.png" not in names(plots(front(), {}, folder))


def test_the_stairs_rise_from_the_cheapest_to_the_dearest():
    records = front((0.9, 9), (0.8, 2), (0.7, 5), (0.6, 20), (0.1, 1))[:-1]
    assert _stairs(records, "macs") == ([1, 2, 9, 20], [0.1, 0.8, 0.9, 0.9])


def test_no_global_state_of_pyplot():
    code = "import sys, pipeline.report.plots; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
