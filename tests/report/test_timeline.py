"""The timeline of the workers."""

from pipeline.report.plots.timeline import Axis, Pause, Run, draw_timeline, find_pauses, noted_runs
from pipeline.study.trial import TrialState
from tests.report.made_up import record

DONE = TrialState.COMPLETE


def run(number, slot, begin, seconds, state=DONE):
    return Run(number, state, slot, begin, seconds)


def test_times_count_from_the_first_run_and_older_records_are_left_out():
    records = [record(0), record(1, began=1000.5, slot=1, seconds=3.0), record(2, began=990.5, slot=0, seconds=20.0)]
    assert noted_runs(records) == [run(1, 1, 10.0, 3.0), run(2, 0, 0.0, 20.0)]
    assert noted_runs([record(0)]) == []
    assert draw_timeline([record(0)]) is None


def test_a_pause_is_long_and_has_no_trial_on_any_worker():
    runs = [run(0, 0, 0, 100), run(1, 1, 0, 30), run(2, 1, 200, 50), run(3, 0, 255, 10)]
    assert find_pauses(runs) == [Pause(100, 200)]
    assert find_pauses([run(0, 0, 0, 1000), run(1, 0, 1070, 10)]) == []  # a tenth of the time is no pause
    assert find_pauses([run(0, 0, 0, 10), run(1, 0, 40, 10)]) == []  # nor is half a minute


def test_a_pause_is_cut_to_the_same_width_wherever_it_is():
    axis = Axis((Pause(100, 200), Pause(300, 1000)), cut=6)
    assert [axis.place(seconds) * 60 for seconds in (0, 100, 200, 300, 1000)] == [0, 100, 106, 206, 212]


def test_bars_marks_and_their_legend():
    runs = [
        record(0, began=0.0, slot=0, seconds=50.0),
        record(1, None, TrialState.INTERRUPTED, began=5.0, slot=1, seconds=0.0),
        record(2, None, TrialState.RUNNING, began=3600.0, slot=2, seconds=0.0),
    ]
    axes = draw_timeline(runs).axes[0]
    assert sorted(axes.get_legend_handles_labels()[1]) == ["complete", "interrupted, end unknown", "running"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["worker 1", "worker 2", "worker 3"]
    assert [text.get_text() for text in axes.texts if "pause" in text.get_text()] == ["59:10 pause"]
    assert axes.get_xlabel().endswith("without its pauses")
