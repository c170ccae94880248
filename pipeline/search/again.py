"""Which stored points are queued again: those that lacked time, and those whose run was cut off."""

from collections.abc import Collection, Iterable, Iterator
from typing import Any, NamedTuple, cast

from optuna.trial import FrozenTrial
from optuna.trial import TrialState as OptunaState

from pipeline.hyperparameter import Params


class Again(NamedTuple):
    """A point for Optuna's queue, with the user attributes of the trial that it will be."""

    params: Params
    user_attrs: dict[str, Any]


def lacking_time(trials: Iterable[FrozenTrial], epochs: int, trained: Collection[str]) -> Iterator[Again]:
    """Points of the queue that were postponed, and complete trials with fewer than ``epochs``, the full number.

    A shortened trial whose candidate's key is in ``trained`` is left as it is: it was trained in full since, or this
    process shortened it and has no more time. Each is queued only once.
    """
    trials = list(trials)
    requeued = {trial.user_attrs.get("requeues") for trial in trials}
    for trial in trials:
        params = _postponed(trial) or _shortened(trial, epochs, trained)
        if params is not None and trial.number not in requeued:
            repeats = {} if was_shortened(trial, epochs) else _number(trial.user_attrs)
            yield Again(params, {"requeues": trial.number, **repeats})


def _postponed(trial: FrozenTrial) -> Params | None:
    return cast(Params | None, trial.system_attrs.get("fixed_params")) if "postponed" in trial.user_attrs else None


def _shortened(trial: FrozenTrial, epochs: int, trained: Collection[str]) -> Params | None:
    complete = trial.state is OptunaState.COMPLETE and was_shortened(trial, epochs)
    return trial.params if complete and trial.user_attrs["trial"]["key"] not in trained else None


def was_shortened(trial: FrozenTrial, epochs: int) -> bool:
    """Whether the trial was given fewer epochs than a full training has, for lack of time."""
    return bool(trial.user_attrs.get("trial", {}).get("epochs", epochs) < epochs)


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
