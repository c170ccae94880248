import pytest

from pipeline.search.machine_faults import MachineFaults
from pipeline.study.trial import Fault, TrialResult, TrialState

NOW, EARLIER = float("inf"), 0.0
FAULT = TrialResult(0, TrialState.FAILED, fault=Fault.MACHINE)
OWN = TrialResult(0, TrialState.FAILED, fault=Fault.ERROR)
TRAINED = TrialResult(0, TrialState.COMPLETE, 0.5, epochs=1)
DIVERGED = TrialResult(0, TrialState.FAILED, epochs=2, fault=Fault.ERROR)
DIED_LATE = TrialResult(0, TrialState.FAILED, 0.5, epochs=30, fault=Fault.MACHINE)


@pytest.mark.parametrize(
    ("ends", "persist"),
    [
        ([], False),
        ([FAULT] * 4, False),
        ([FAULT] * 5, True),
        ([DIED_LATE] * 5, True),
        ([OWN] * 9, False),
        ([FAULT] * 3 + [OWN] + [FAULT] * 2, True),
        ([FAULT] * 4 + [TRAINED] + [FAULT] * 4, False),
        ([FAULT] * 4 + [DIVERGED] + [FAULT] * 4, False),
        ([FAULT] * 5 + [TRAINED], False),
    ],
)
def test_five_in_a_row_with_no_trial_that_trained_between_them(ends, persist):
    faults = MachineFaults()
    for result in ends:
        faults.add(result, NOW, 0)
    assert faults.persist is persist


def test_what_trained_side_by_side_fails_once_together():
    faults = MachineFaults()
    for _ in range(64):
        faults.add(FAULT, EARLIER, 0)
    for _ in range(3):
        assert not faults.persist
        faults.add(FAULT, NOW, 0)
    faults.add(FAULT, NOW, 0)
    assert faults.persist


def test_a_slot_that_fails_all_its_trials_is_found_beside_others_that_train():
    faults = MachineFaults()
    for _ in range(4):
        faults.add(FAULT, NOW, 1)
        faults.add(TRAINED, NOW, 0)
    for _ in range(4):
        faults.add(FAULT, NOW, 2)
        faults.add(TRAINED, NOW, 2)
    assert not faults.persist
    faults.add(FAULT, NOW, 1)
    assert faults.persist


@pytest.mark.parametrize(
    ("fault", "slot"), [(DIED_LATE, 0), (FAULT, None)], ids=["its trials had trained", "its number is unknown"]
)
def test_a_slot_that_may_be_well_does_not_end_a_study_that_trains_beside_it(fault, slot):
    faults = MachineFaults()
    for _ in range(9):
        faults.add(fault, NOW, slot)
        faults.add(TRAINED, NOW, 1)
    assert not faults.persist


def test_a_fault_after_an_epoch_ends_the_row_of_its_slot():
    faults = MachineFaults()
    for result in [FAULT] * 4 + [DIED_LATE] + [FAULT] * 4:
        faults.add(result, NOW, 0)
        faults.add(TRAINED, NOW, 1)
    assert not faults.persist
