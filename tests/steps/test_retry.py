from pipeline.steps.retry import retry_failed
from pipeline.study.trial import Fault, TrialResult, TrialState
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
