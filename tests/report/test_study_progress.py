"""How a running study stands."""

import math
from dataclasses import replace

import pytest

from pipeline.metrics import METRICS
from pipeline.report.study_progress import Ended, RunningTrial, StudyProgress, time_left, trials_that_fit
from pipeline.study.record import ranked
from pipeline.study.trial import BatchReport, EpochReport, TrialState
from tests.report.made_up import record


def started(number, planned=10, **fields):
    return record(number, None, TrialState.RUNNING, planned=planned, epochs=0, **fields)


def report(number, epoch, accuracy):
    return EpochReport(number, epoch, {"loss": 0.25, "val_accuracy": accuracy}, 1.0)


def test_progress_follows_a_trial():
    study = StudyProgress(2).with_started(started(0)).with_started(started(1))
    for epoch, accuracy in ((1, 0.5), (2, 0.25)):
        study = study.with_epoch(record(1, 0.5, TrialState.RUNNING, epochs=epoch), report(1, epoch, accuracy))
    assert [trial.scores for trial in study.running] == [(), (0.5, 0.25)]
    assert study.running[1].record.result.epochs == 2
    study = study.with_ended(record(1, 0.5))
    assert [trial.record.number for trial in study.running] == [0]
    assert study.ended == Ended({TrialState.COMPLETE: 1}, record(1, 0.5))


def test_the_scores_of_epochs_are_those_of_the_studys_metric():
    trial = started(0, metric=METRICS["log_loss"])
    epoch = EpochReport(0, 1, {"val_accuracy": 0.5, "val_log_loss": 1.25}, 1.0)
    study = StudyProgress(1).with_started(trial).with_epoch(trial, epoch)
    assert study.running == (RunningTrial(trial, (1.25,), (1.0,)),)


def test_an_interrupted_trial_is_still_to_do():
    study = StudyProgress(2).with_started(started(0)).with_ended(record(0, 0.5, TrialState.INTERRUPTED))
    assert (study.ended, study.running) == (Ended(), ())
    assert study.left == 2


def test_work_counts_shares_of_running_trials_and_nothing_of_earlier_runs():
    running = (RunningTrial(started(2), (0.1, 0.2)), RunningTrial(started(3)))
    study = StudyProgress(20, Ended.of([record(0), record(1)]), running, earlier=1)
    assert study.work == pytest.approx(1.2)
    assert study.left == pytest.approx(17.8)


def test_nothing_is_left_when_there_are_more_trials_than_asked_for():
    assert StudyProgress(1, Ended.of([record(0), record(1)]), earlier=2).left == 0


def test_time_left_goes_on_at_the_same_pace():
    assert time_left(left=6, work=3, seconds=30, until=None) == 60


def test_time_left_is_the_limit_when_that_comes_first():
    assert time_left(6, 3, 30, until=45) == 45
    assert time_left(6, 3, 30, until=75) == 60
    assert time_left(math.inf, 3, 30, until=45) == 45
    assert time_left(math.inf, 1, 0, until=45) == 45


def test_time_left_is_never_negative():
    assert time_left(6, 3, 30, until=-2) == 0


def test_time_left_is_unknown_before_any_work_and_without_an_end():
    assert time_left(6, 0, 0, None) is None
    assert time_left(6, 1, 0, None) is None
    assert time_left(math.inf, 3, 30, None) is None


# --- within an epoch


def within(batch=30, seconds=20.0, speed=10.0, ends=(), planned=5, **fields):
    """A trial within the epoch after those that ended at ``ends``: 30 of 100 batches, at 10 a second."""
    report = BatchReport(0, batch, 100, len(ends) + 1, seconds, speed, **fields)
    return RunningTrial(started(0, planned=planned), (0.5,) * len(ends), ends, report)


def test_a_report_from_within_an_epoch_lasts_until_the_epoch_ends():
    batch = BatchReport(1, 30, 100)
    study = StudyProgress(2).with_started(started(0)).with_started(started(1)).with_batch(batch)
    assert [trial.batch for trial in study.running] == [None, batch]
    assert study.work == pytest.approx(0.03)
    study = study.with_epoch(started(1), report(1, 1, 0.5))
    assert [trial.batch for trial in study.running] == [None, None]
    assert study.work == pytest.approx(0.1)


def test_the_time_left_of_the_first_epochs_follows_from_the_speed_of_batches():
    assert within().epoch_left == 7
    assert within().left == 7 + 4 * 10
    assert within(ends=(60.0,), seconds=70.0).left == 7 + 3 * 10


def test_the_time_left_of_later_epochs_follows_from_the_last_one():
    trial = within(ends=(60.0, 72.0), seconds=75.0)
    assert trial.epoch_left == 12 - 3
    assert trial.left == 9 + 2 * 12
    assert within(ends=(60.0, 72.0), seconds=99.0).epoch_left == 0


@pytest.mark.parametrize("trial", [RunningTrial(started(0)), within(speed=None)])
def test_the_time_left_is_unknown_before_the_second_batch(trial):
    assert trial.epoch_left is None
    assert trial.left is None


def test_batches_without_a_total_are_no_share_of_an_epoch():
    trial = RunningTrial(started(0), batch=BatchReport(0, 30, None, 1, 20.0, 10.0))
    assert (trial.epochs, trial.epoch_left, trial.left) == (0, None, None)


def test_trials_that_fit_go_on_at_the_same_pace():
    study = StudyProgress(math.inf, Ended.of([record(0), record(1)]), (within(),), earlier=1)
    assert study.work == pytest.approx(1.06)
    assert trials_that_fit(study, 10.6, until=62) == 1 + 7
    assert trials_that_fit(study, 10.6, until=0) is None
    assert trials_that_fit(study, 10.6, None) is None
    assert trials_that_fit(replace(study, total=8), 10.6, 62) is None
    assert trials_that_fit(replace(study, total=9), 10.6, 62) == 8


def test_the_trials_that_ended_are_counted_once_and_only_the_best_is_kept(monkeypatch):
    """A view of ten thousand trials costs what one of ten does."""
    compared = []
    module = "pipeline.report.study_progress"
    monkeypatch.setattr(f"{module}.ranked", lambda records: compared.append(len(records)) or ranked(records))
    pruned, failed = record(1, 0.9, TrialState.PRUNED), record(2, None, TrialState.FAILED)
    ended = Ended.of([pruned, failed, *(record(number, number / 50) for number in range(3, 30))])
    assert ended.counts == {TrialState.PRUNED: 1, TrialState.FAILED: 1, TrialState.COMPLETE: 27}
    assert (len(ended), ended.best.number) == (29, 29)
    assert max(compared) == 2
    assert len(compared) == 29
