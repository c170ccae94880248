"""Trials and studies for tests, made up without training."""

from pathlib import Path

import optuna
from optuna.trial import TrialState

from pipeline.folder import StudyFolder
from pipeline.objective import ACCURACY, minimised
from pipeline.record import Record
from pipeline.trial import Outcome, State


def record(number: int, value: float | None = 0.5, state: State = State.COMPLETE, **changes) -> Record:
    """A record; ``values``, ``macs``, ``parameters``, more ``costs`` may be given, and any field of the outcome."""
    values = changes.pop("values", {"blocks": 1, "filters_1": 16, "learning_rate": 0.001})
    macs, parameters = changes.pop("macs", 2_100_000), changes.pop("parameters", 12_345)
    costs = {"parameters": parameters, "macs": macs} | changes.pop("costs", {})
    outcome = Outcome(number, state, value, **{"epochs": 3, "seconds": 1.25} | changes)
    return Record(number, values, tuple(values), costs, 7, outcome)


def study(
    path: Path, records: list[Record], infeasible: tuple[str, ...] = (), objective: tuple[str, ...] = (ACCURACY,)
) -> StudyFolder:
    """A study's folder whose storage holds the records, as the ledger writes them, and infeasible proposals."""
    folder = StudyFolder(path)
    path.mkdir(parents=True)
    folder.job.write_text("data: digits\n")
    storage = optuna.storages.RDBStorage(f"sqlite:///{folder.storage}")
    directions = ["maximize" if name == ACCURACY else "minimize" for name in objective]
    kept = optuna.create_study(storage=storage, study_name="study", directions=directions)
    kept.set_user_attr("objective", list(objective))
    kept.add_trials([_optuna_trial(one, minimised(objective)) for one in records])
    for kind in infeasible:
        kept.add_trial(optuna.create_trial(state=TrialState.PRUNED, user_attrs={"infeasible": kind}))
    return folder


def _optuna_trial(one: Record, costs: tuple[str, ...]) -> optuna.trial.FrozenTrial:
    card = {"number": one.number, "key": str(one.number), "values": one.values, "seed": one.seed}
    outcome = {
        name: getattr(one.outcome, name)
        for name in ("state", "value", "epochs", "seconds", "reason", "device", "model")
    }
    complete = one.state is State.COMPLETE
    return optuna.create_trial(
        state=TrialState.COMPLETE if complete else TrialState.PRUNED,
        values=[one.value, *(one.costs[name] for name in costs)] if complete else None,
        params=one.values,
        distributions={name: _domain(value) for name, value in one.values.items()},
        user_attrs={"trial": card | dict(one.costs), "outcome": outcome},
    )


def _domain(value: object) -> optuna.distributions.BaseDistribution:
    if isinstance(value, bool | str):
        return optuna.distributions.CategoricalDistribution([False, True, "max", "none", "average", "adam", "sgd"])
    if isinstance(value, int):
        return optuna.distributions.IntDistribution(0, 1000)
    return optuna.distributions.FloatDistribution(0.0, 1000.0)
