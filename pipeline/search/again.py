"""Which stored points are queued again: those that lacked time, and those whose run was cut off."""

from collections.abc import Collection, Iterable, Iterator
from typing import Any, NamedTuple

from optuna.trial import FrozenTrial
from optuna.trial import TrialState as OptunaState

from pipeline.hyperparameter import Params
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
            yield Again(trial.system_attrs["fixed_params"], {"requeues": trial.number, **_number(trial.user_attrs)})
        elif was_shortened(trial, epochs) and trial.user_attrs["trial"]["key"] not in trained:
            yield Again(trial.params, {"requeues": trial.number})


def was_shortened(trial: FrozenTrial, epochs: int) -> bool:
    """Whether a complete trial was given fewer than ``epochs``, for lack of time, and used all of them.

    A trial that ended before that, for a reason of its own, needs no more epochs.
    """
    if trial.state is not OptunaState.COMPLETE or not {"trial", "result"} <= trial.user_attrs.keys():
        return False
    given, result = trial.user_attrs["trial"]["epochs"], trial.user_attrs["result"]
    return bool(given < epochs and result["epochs"] == given and result["decision"] == Decision.CONTINUE)


def cut_off(trial: FrozenTrial) -> Again | None:
    """The point of a run that was interrupted, to be tried under the same number; None of a sampler's draw.

    A proposal that had not become a trial yet is queued again only if it came from the queue.
    """
    accepted = "trial" in trial.user_attrs
    params = trial.params if accepted else trial.system_attrs.get("fixed_params")
    return None if params is None else Again(params, _number(trial.user_attrs.get("trial", trial.user_attrs)))


def _number(attributes: dict[str, Any]) -> dict[str, int]:
    """The trial's number, for an attribute of the next run; none if it has none yet."""
    return {"number": attributes["number"]} if "number" in attributes else {}
