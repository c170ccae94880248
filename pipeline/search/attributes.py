"""What Optuna's study and trials carry: user attributes for people, and system attributes that a study goes on with.

Optuna's trials are proposals. An accepted proposal carries ``trial``, its number in the study, and plain facts: its
costs and, once it has ended, its state, score, epochs, seconds, device and reason, and whether the machine was at
fault. An infeasible one carries ``infeasible`` with the kind of reason; a repeated one carries ``repeats`` with the
number of the trial that has the same candidate. The two system attributes have everything that a record of the trial
needs; Optuna's dashboard does not show them.
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from optuna.trial import FrozenTrial

from pipeline.study.objective import MINIMIZED, SCORE, Objective
from pipeline.study.trial import Fault, Trial, TrialResult

REQUEST, OUTCOME = "convtune:trial", "convtune:result"
"""The system attributes: a trial as it was requested, and how it ended."""

_OLDER = {REQUEST: "trial", OUTCOME: "result"}
"""The user attributes that had the same in studies of an older version."""

JUDGED = ("infeasible", "repeats", "trial")
"""The attributes of which a judged proposal has one."""

_PLAIN = ("state", "score", "epochs", "seconds", "device", "reason", "batch_note")
"""The parts of a result that are attributes of their own."""


def request_of(stored: FrozenTrial) -> Mapping[str, Any] | None:
    """What an accepted proposal asks for, as ``request`` wrote it; None for another proposal."""
    return _find(stored, REQUEST)


def outcome_of(stored: FrozenTrial) -> Mapping[str, Any] | None:
    """How a trial has ended, as ``outcome`` wrote it; None while it runs."""
    return _find(stored, OUTCOME)


def _find(stored: FrozenTrial, name: str) -> Mapping[str, Any] | None:
    found = stored.system_attrs.get(name, stored.user_attrs.get(_OLDER[name]))
    return found if isinstance(found, dict) else None


def request(trial: Trial, key: str) -> dict[str, Any]:
    """The system attribute of a proposal that is accepted as this trial; ``key`` is its candidate's."""
    return {
        "number": trial.number,
        "key": key,
        "params": trial.params,
        "seed": trial.seed,
        "epochs": trial.epochs,
        "costs": dict(trial.costs),
        "began": trial.began,
        "slot": trial.slot,
        "source": trial.source,
    }


def outcome(result: TrialResult) -> dict[str, Any]:
    """The system attribute of a trial that has ended so. (Its history has a file of its own.)"""
    names = (field.name for field in fields(result) if field.name not in ("number", "history"))
    return {name: getattr(result, name) for name in names}


def failed_by_machine(stored: FrozenTrial) -> bool:
    """Whether a trial has ended through a fault of the machine."""
    return (outcome_of(stored) or {}).get("fault") == Fault.MACHINE


def facts(trial: Trial, result: TrialResult) -> dict[str, str | int | float]:
    """The user attributes of a trial, as far as they are known."""
    known = {name: getattr(result, name) for name in _PLAIN if getattr(result, name) not in (None, "")}
    if result.fault is Fault.MACHINE:
        known["fault"] = result.fault
    return {"trial": trial.number, **trial.costs, **known}


def objective_names(objective: Objective) -> list[str]:
    """The names of the values of a complete trial: the metric's, then those of the costs."""
    return [objective.metric.name, *objective.minimized]


def objective_attributes(objective: Objective) -> dict[str, str]:
    """The objective as attributes of the study, in the words of a job file.

    >>> objective_attributes(Objective(minimized=("latency_ms",)))
    {'metric': 'accuracy', 'objective': 'score,latency'}
    """
    costs = [name for name, cost in MINIMIZED.items() if cost in objective.minimized]
    return {"metric": objective.metric.name, "objective": ",".join([SCORE, *costs])}
