"""Trials of a study."""

from pipeline.study.objective import Objective
from pipeline.study.record import TrialRecord
from pipeline.study.trial import Trial, TrialResult, TrialState

COSTS = {"parameters": 1234, "macs": 56789}


def make_record(
    number, state=TrialState.RUNNING, score=None, *, params=None, objective=None, front=False, drawn=None, **result
) -> TrialRecord:
    """A trial that runs, unless the state says otherwise."""
    params = {"family": "plain"} if params is None else params
    drawn = tuple(params) if drawn is None else drawn
    trial = Trial(number, params, seed=number + 7, epochs=10, costs=COSTS, drawn=drawn, source="search")
    return TrialRecord(trial, TrialResult(number, state, score, **result), objective or Objective(), front)
