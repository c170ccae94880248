"""Tells Optuna how a trial has ended."""

import math

import optuna
from optuna.trial import TrialState as OptunaState

from pipeline.study.record import TrialRecord
from pipeline.study.trial import Fault, TrialResult, TrialState

_PRUNED = 1e-9
"""The largest violation of the constraint ``trained`` by a pruned trial: negligible beside an exceeded limit."""


def close(study: optuna.Study, optuna_number: int, record: TrialRecord) -> None:
    """Tells the values of a complete trial, else its state.

    A failed one counts as pruned, and as infeasible: Optuna's samplers learn nothing from FAIL. So one that failed
    through a fault of the machine is stored as that.
    """
    if record.state is TrialState.COMPLETE:
        study.tell(optuna_number, objective_values(record))
    elif record.result.fault is Fault.MACHINE:
        study.tell(optuna_number, state=OptunaState.FAIL)
    else:
        study.tell(optuna_number, state=OptunaState.PRUNED)


def objective_values(record: TrialRecord) -> list[float]:
    """The value of each objective of a complete trial; Optuna marks a trial with NaN as failed."""
    score = math.nan if record.score is None else record.score
    return [score, *(record.costs[name] for name in record.objective.minimized)]


def untrained(record: TrialRecord, result: TrialResult, epochs: int) -> float:
    """The violation of the constraint ``trained``: 1 for a failed trial, almost 0 for a pruned one, else 0.

    So TPE ranks pruned trials behind complete and before infeasible ones: longer training first, then the better score.
    TPE ranks pruned trials like this itself, but not in a study with several objectives, since it needs the study's
    single direction for that. ``epochs`` are those of a full training.
    """
    if result.state is not TrialState.PRUNED:
        return float(result.state is TrialState.FAILED)
    loss = math.inf if result.score is None else record.metric.loss(result.score)
    share = (1 + math.tanh(loss)) / 2  # from 0 for the best score to 1 for the worst
    return _PRUNED * (epochs - result.epochs + share) / (epochs + 1)
