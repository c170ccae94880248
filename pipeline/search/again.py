"""Which stored points are queued again: what lacked time, what was cut off, and what the machine has failed."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from optuna.trial import FrozenTrial
from optuna.trial import TrialState as OptunaState

from pipeline.hyperparameter import Params
from pipeline.search.attributes import failed_by_machine as by_machine
from pipeline.search.attributes import outcome_of, request_of
from pipeline.study.trial import Decision


class Again(NamedTuple):
    """A point for Optuna's queue, with the user attributes of the trial that it will be."""

    params: Params
    user_attrs: dict[str, Any]


def lacking_time(trials: Iterable[FrozenTrial], epochs: int, trained: Collection[str]) -> Iterator[Again]:
    """Points of the queue that were postponed, and complete trials with fewer than ``epochs``, the full number.

    A shortened trial whose candidate's key is in ``trained`` stays as it is: it was trained in full since, or this
    process shortened it and has no more time. Each is queued only once.
    """
    trials = list(trials)
    requeued = {trial.user_attrs.get("requeues") for trial in trials}
    for trial in trials:
        if trial.number in requeued:
            continue
        if "postponed" in trial.user_attrs and "fixed_params" in trial.system_attrs:
            yield Again(trial.system_attrs["fixed_params"], {"requeues": trial.number, **_kept(trial.user_attrs)})
        elif was_shortened(trial, epochs) and (request_of(trial) or {}).get("key") not in trained:
            yield Again(trial.params, {"requeues": trial.number, "source": "repeated"})


def was_shortened(trial: FrozenTrial, epochs: int) -> bool:
    """Whether a complete trial was given fewer than ``epochs``, for lack of time, and used all of them.

    A trial that ended before that, for a reason of its own, needs no more epochs.
    """
    request, outcome = request_of(trial), outcome_of(trial)
    if trial.state is not OptunaState.COMPLETE or request is None or outcome is None:
        return False
    given = request["epochs"]
    return bool(given < epochs and outcome["epochs"] == given and outcome["decision"] == Decision.CONTINUE)


def cut_off(trial: FrozenTrial) -> Again | None:
    """The point of a run that was interrupted, to be tried under the same number; None of a sampler's draw.

    A proposal that had not become a trial yet is queued again only if it came from the queue.
    """
    request = request_of(trial)
    params = trial.params if request else trial.system_attrs.get("fixed_params")
    return None if params is None else Again(params, _kept(request or trial.user_attrs))


def failed(trials: Iterable[FrozenTrial]) -> dict[int, Again]:
    """The points of the trials whose last run failed through a fault of the machine, by the number that they keep."""
    last = _last_runs(trials)
    return {number: Again(run.params, _kept(request_of(run) or {})) for number, run in last.items() if by_machine(run)}


def awaited(trials: Iterable[FrozenTrial]) -> set[int]:
    """The numbers of the trials that were queued again and have not begun since."""
    return {number for number, run in _last_runs(trials).items() if request_of(run) is None}


def _last_runs(trials: Iterable[FrozenTrial]) -> dict[int, FrozenTrial]:
    """The last run of each numbered trial, which may still be a point of the queue."""
    numbered = (((request_of(trial) or trial.user_attrs).get("number"), trial) for trial in trials)
    return {number: trial for number, trial in numbered if number is not None}


def _kept(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """What the next run of a point keeps: the trial's number, if it has one yet, and where the point comes from."""
    return {name: attributes[name] for name in ("number", "source") if name in attributes}
