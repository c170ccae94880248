"""The truth table of a trial's ending, as its docstring states it."""

import re
from dataclasses import dataclass

import pytest

from pipeline.study.trial import Decision, Fault, TrialState, ending, ending_reason


@dataclass(frozen=True)
class Row:
    """One line of the table; a cell that says ``any`` stands for each of its values."""

    decision: str
    epochs: str
    fault: str
    state: str
    model_kept: str
    counted: str
    repeated: str

    def cases(self):
        decisions = Decision if self.decision == "any" else [Decision(self.decision)]
        for decision in decisions:
            for epochs in {"any": (0, 1, 7), "1+": (1, 7), "0": (0,)}[self.epochs]:
                yield decision, epochs, Fault(self.fault)


def table():
    body = re.split(r"^ *=+(?: =+)+ *$", ending.__doc__, flags=re.MULTILINE)[2]
    return [Row(*line.split()) for line in body.strip().splitlines()]


def test_the_table_has_every_case_once():
    cases = [case for row in table() for case in row.cases()]
    every = {(decision, epochs, fault) for decision in Decision for epochs in (0, 1, 7) for fault in Fault}
    assert len(cases) == len(set(cases))
    assert set(cases) == every


@pytest.mark.parametrize("row", table(), ids=lambda row: f"{row.decision}, {row.epochs} epochs, fault {row.fault}")
def test_trials_end_as_the_table_says(row):
    for decision, epochs, fault in row.cases():
        end = ending(decision, epochs, fault)
        assert end.state is TrialState(row.state)
        assert end.keeps_model == (row.model_kept == "yes")
        assert end.state.counts_towards_total == (row.counted == "yes")
        assert (not end.state.counts_towards_total) == (row.repeated == "yes")


def test_a_running_trial_counts_and_no_trial_ends_as_running():
    assert TrialState.RUNNING.counts_towards_total
    assert all(TrialState(row.state) is not TrialState.RUNNING for row in table())


@pytest.mark.parametrize(
    ("decision", "cause", "reason"),
    [
        (Decision.CONTINUE, "", ""),
        (Decision.CONTINUE, "a late answer", ""),
        (Decision.PRUNE, "", "pruned after epoch 3"),
        (Decision.STOP, "", "time was up after epoch 3"),
        (Decision.STOP, "trial 1 has reached 0.9", "stopped after epoch 3: trial 1 has reached 0.9"),
        (Decision.FINISH, "no better for 2 epochs", "stopped after epoch 3: no better for 2 epochs"),
    ],
)
def test_reasons_are_for_people(decision, cause, reason):
    assert ending_reason(decision, 3, cause) == reason
