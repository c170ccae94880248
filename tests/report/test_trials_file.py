from dataclasses import replace

import pytest

from pipeline.report import trials_file
from pipeline.report.trials_file import TrialsFile
from pipeline.report.trials_table import as_csv
from pipeline.study.record import mark_front
from pipeline.study.trial import TrialState
from tests.report.made_up import record


def trial(number, state=TrialState.COMPLETE, score=0.5, **params):
    return record(number, score, state, params={"blocks": 1} | params)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "trials.csv"


def running(number, **params):
    return trial(number, TrialState.RUNNING, None, **params)


def test_the_file_is_the_table_of_all_records_whatever_order_they_end_in(path):
    table, records = TrialsFile(path), {}
    for step in (
        [trial(0)],
        [trial(2, score=0.25), running(1)],
        [trial(3, TrialState.FAILED, None), running(1)],
        [trial(1, reason="a, b\nc"), running(4)],
        [trial(4, width=32), running(5)],
        [trial(5, TrialState.INTERRUPTED)],
        [trial(5, score=0.75), running(6, width=8)],
        [trial(6)],
    ):
        records |= {one.number: one for one in step}
        table.update(step)
        assert path.read_text() == as_csv([records[number] for number in sorted(records)])


def test_a_front_that_moves_changes_earlier_lines(path):
    table = TrialsFile(path)
    costs = {"minimized": ("macs",)}
    records = []
    for number, (score, macs) in enumerate([(0.5, 9), (0.4, 8), (0.6, 9), (0.6, 7)]):
        records = mark_front([*records, record(number, score, macs=macs, **costs)])
        table.update(records)
        assert path.read_text() == as_csv(records)
    assert [one.front for one in records] == [False, False, False, True]


def test_a_trial_formats_and_writes_its_own_line_and_those_after_it(path, monkeypatch):
    """However many there are; only another column takes all of them anew."""
    formatted = []
    original = trials_file.csv_row
    monkeypatch.setattr(trials_file, "csv_row", lambda *args: formatted.append(args[0].number) or original(*args))
    table, whole = TrialsFile(path), []
    monkeypatch.setattr(trials_file, "write_text", lambda *args: whole.append(args) or path.write_text(args[1]))
    for number in range(50):
        table.update([trial(number), running(number + 1)])
    assert len(whole) == 1
    assert len(formatted) == 100
    table.update([trial(50, width=3)])
    assert len(whole) == 2
    assert len(formatted) == 151


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_text("mine\n")])
def test_a_file_that_was_removed_or_changed_is_written_whole(path, damage):
    table, records = TrialsFile(path), [trial(number) for number in range(3)]
    for one in records:
        table.update([one])
        damage(path)
    table.update([replace(records[2], result=replace(records[2].result, score=0.125))])
    assert path.read_text().count("\n") == 4
    assert "0.125" in path.read_text()
