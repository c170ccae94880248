"""Trials and studies for tests, made up without training."""

import json
import tempfile
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import TrialState as OptunaState

from pipeline.metrics import ACCURACY, Metric
from pipeline.report.evaluated_model import EvaluatedModel, read_evaluated_model
from pipeline.search.attributes import OUTCOME, REQUEST, facts, objective_attributes, outcome, request
from pipeline.search.optuna_study import note_end
from pipeline.search.stop_reason import StopReason
from pipeline.study.fingerprint import StudyFingerprint, write_fingerprint
from pipeline.study.objective import Objective
from pipeline.study.paths import StudyPaths
from pipeline.study.record import TrialRecord
from pipeline.study.trial import Trial, TrialResult, TrialState

PARAMS = {"blocks": 1, "filters_1": 16, "learning_rate": 0.001}
_ACCURACY_ALONE = Objective()


def record(
    number: int,
    score: float | None = 0.5,
    state: TrialState = TrialState.COMPLETE,
    *,
    params: dict[str, Any] = PARAMS,
    drawn: tuple[str, ...] | None = None,
    macs: int = 2_100_000,
    parameters: int = 12_345,
    costs: dict[str, float] | None = None,
    planned: int = 3,
    metric: Metric = ACCURACY,
    minimized: tuple[str, ...] = (),
    began: float | None = None,
    slot: int | None = None,
    **result: Any,
) -> TrialRecord:
    """A record of a trial that was to train ``planned`` epochs; ``result`` are more fields of its TrialResult.

    All params are drawn by the space unless ``drawn`` names those that are. ``began`` and ``slot`` are the trial's.
    """
    all_costs = {"parameters": parameters, "macs": macs} | (costs or {})
    names = tuple(params) if drawn is None else drawn
    trial = Trial(number, dict(params), 7, planned, all_costs, names, began=began, slot=slot)
    trial_result = TrialResult(number, state, score, **{"epochs": 3, "seconds": 1.25} | result)
    return TrialRecord(trial, trial_result, Objective(metric, minimized))


HEADINGS = [
    "Leaderboard",
    "The search",
    "The best model on the test images",
    "What the best model sees",
    "All trials",
    "How to reproduce",
]
"""The headings of a report, in their order."""


def study(
    path: Path,
    records: list[TrialRecord],
    infeasible: tuple[str, ...] = (),
    objective: Objective = _ACCURACY_ALONE,
    reason: StopReason | None = None,
) -> StudyPaths:
    """A study's folder whose storage holds the records and infeasible proposals, as pipeline.search.storage writes."""
    folder = StudyPaths(path)
    path.mkdir(parents=True)
    folder.job.write_text("data: digits\nspace: quick\nstudy: s\n")
    write_fingerprint(
        folder, StudyFingerprint("s", "d", 3, 0, metric=objective.metric.name, content="c", split="seed 0")
    )
    storage = optuna.storages.RDBStorage(f"sqlite:///{folder.storage}")
    optuna_study = optuna.create_study(storage=storage, study_name="study", directions=objective.directions)
    for name, value in objective_attributes(objective).items():
        optuna_study.set_user_attr(name, value)
    note_end(optuna_study, reason)
    optuna_study.add_trials([_optuna_trial(record, objective) for record in records])
    for kind in infeasible:
        optuna_study.add_trial(optuna.create_trial(state=OptunaState.PRUNED, user_attrs={"infeasible": kind}))
    return folder


TESTED: dict[str, Any] = {
    "best_model": {
        "trial": 0,
        "digest": "d",
        "metric": "accuracy",
        "score": 0.9,
        "test_scores": {"accuracy": 0.8, "log_loss": 0.5, "roc_auc": None},
        "version": 3,
        "registry_note": "pets, version 3: the first champion",
        "registered_as": "pets",
    },
    "n": 10,
    "scores": {"accuracy": 0.8, "log_loss": 0.5, "roc_auc": None},
    "intervals": {"accuracy": [0.4902, 0.9433], "log_loss": None, "roc_auc": None},
    "classes": ["<b>cat</b>", "dog"],
    "confusion": [[5, 2], [0, 3]],
    "data": "pets: 60 images 8x8x3, 2 classes: 40 train / 10 validation / 10 test",
    "validation": 10,
    "wrong": [{"file": "cats/1.png", "true": "<b>cat</b>", "predicted": "dog", "probability": 0.9}],
    "versions": {"python": "3.11.7", "keras": "3.15.1"},
}
"""What ``test.json`` says of the best model of a study."""


def evaluated(paths: StudyPaths, **model: Any) -> StudyPaths:
    """A study whose best model, that of trial 0 unless ``model`` has another number, has been tested."""
    paths.evaluation.write_text(json.dumps(TESTED | {"best_model": TESTED["best_model"] | model}))
    return paths


def evaluated_model(**model: Any) -> EvaluatedModel:
    """The same, read from its file; ``model`` changes the facts about the model."""
    with tempfile.TemporaryDirectory() as folder:
        found = read_evaluated_model(evaluated(StudyPaths(Path(folder)), **model))
    assert found is not None
    return found


def _optuna_trial(record: TrialRecord, objective: Objective) -> optuna.trial.FrozenTrial:
    drawn = {name: record.params[name] for name in record.drawn}
    complete = record.state is TrialState.COMPLETE
    return optuna.create_trial(
        state=OptunaState.COMPLETE if complete else OptunaState.PRUNED,
        values=[record.score, *(record.costs[cost] for cost in objective.minimized)] if complete else None,
        params=drawn,
        distributions={name: _distribution(value) for name, value in drawn.items()},
        user_attrs=facts(record.trial, record.result),
        system_attrs={REQUEST: request(record.trial, str(record.number)), **_ended(record.result)},
    )


def _ended(result: TrialResult) -> dict[str, Any]:
    """Nothing for a trial that runs."""
    return {} if result.state is TrialState.RUNNING else {OUTCOME: outcome(result)}


def _distribution(value: object) -> optuna.distributions.BaseDistribution:
    if isinstance(value, bool | str):
        return optuna.distributions.CategoricalDistribution([False, True, "max", "none", "average", "adam", "sgd"])
    if isinstance(value, int):
        return optuna.distributions.IntDistribution(0, 1000)
    return optuna.distributions.FloatDistribution(0.0, 1000.0)
