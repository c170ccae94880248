from dataclasses import replace

from pipeline.job.job import Job
from pipeline.search.stop_reason import StopReason
from pipeline.steps.retry import retry_failed, warn_if_given_up
from pipeline.study.paths import StudyPaths
from pipeline.study.trial import Fault, TrialResult, TrialState
from tests.report.made_up import record
from tests.search_helpers import begin, open_storage
from tests.spaces import CONTINUOUS, space


def test_only_what_the_machine_has_failed_is_tried_again_and_a_line_says_how_many_are_not(tmp_path):
    wide = space(tmp_path, CONTINUOUS)
    storage = open_storage(tmp_path, wide)
    for number, fault in enumerate((Fault.MACHINE, Fault.ERROR, Fault.NONE, Fault.MACHINE)):
        begin(storage, wide)
        storage.tell(TrialResult(number, TrialState.FAILED, fault=fault))
    told = retry_failed(storage)
    assert told == "tried again, since the machine was at fault: trials 0, 3; 2 failed by themselves and are not"
    assert [record.number for record in storage.settled] == [1, 2], "the progress view counts the others when they end"
    assert retry_failed(storage) == "nothing is tried again; 2 failed by themselves and are not"


def test_of_several_workers_the_one_that_fails_is_named(tmp_path, capsys):
    failed = record(3, None, TrialState.FAILED)
    failed = replace(failed, result=replace(failed.result, fault=Fault.MACHINE, reason="machine fault: no GPU"))
    failed = replace(failed, trial=replace(failed.trial, slot=1))
    for others, last in (([], "(3) with no GPU;"), ([record(2, 0.5)], "(3, worker 2) with no GPU;")):
        warn_if_given_up(StopReason.MACHINE_FAULTS, StudyPaths(tmp_path), Job("d"), [*others, failed])
        assert f"the machine fails one trial after another, the last {last}" in capsys.readouterr().err


def test_on_a_cluster_where_a_number_names_no_worker_none_is_named(tmp_path, capsys):
    failed = record(3, None, TrialState.FAILED, slot=1, fault=Fault.MACHINE, reason="machine fault: node died")
    job = Job("d", executor="ray")
    warn_if_given_up(StopReason.MACHINE_FAULTS, StudyPaths(tmp_path), job, [record(2, 0.5, slot=0), failed])
    assert "one trial after another, the last (3) with node died; free" in capsys.readouterr().err
