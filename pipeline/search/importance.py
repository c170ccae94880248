"""Which parameters decided over the value of the trials."""

import warnings
from pathlib import Path

import optuna
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState, create_trial

optuna.logging.set_verbosity(optuna.logging.ERROR)

_FEWEST = 5
"""Complete trials below which an importance would be noise."""


def importances(database: Path) -> dict[str, float]:
    """The importance of each parameter, largest first; they add up to 1.

    The rule is conditional PED-ANOVA (Watanabe et al., IJCAI 2023; its form for parameters that not every trial has,
    KDD 2026): how far a parameter's values among the best complete trials are from its values among all of them. The
    best are a tenth of the trials, but at least 5, or half where there are fewer than 10. Pruned and failed trials,
    infeasible and repeated proposals do not count. In a study of several objectives the value is the accuracy.

    Empty where nothing can be said: fewer than 5 complete trials, all of one value, or no parameter that varied.
    """
    trials = _complete(database)
    if len(trials) < _FEWEST or len({trial.value for trial in trials}) == 1:
        return {}
    found = _evaluate(trials)
    total = sum(found.values())
    if not total > 0:
        return {}
    ranking = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return {name: value / total for name, value in ranking}


def _complete(database: Path) -> list[FrozenTrial]:
    if not database.is_file():
        return []
    study = optuna.load_study(study_name=None, storage=RDBStorage(f"sqlite:///{database}"))
    trials = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return [_by_accuracy(trial) for trial in trials if "trial" in trial.user_attrs]


def _by_accuracy(trial: FrozenTrial) -> FrozenTrial:
    """The trial as one of a study of the first objective alone, which is the accuracy."""
    return create_trial(value=trial.values[0], params=trial.params, distributions=trial.distributions)


def _evaluate(trials: list[FrozenTrial]) -> dict[str, float]:
    study = optuna.create_study(direction="maximize")
    study.add_trials(trials)
    quantile = max(0.1, min(0.5, _FEWEST / len(trials)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # few trials in a regime, and that normalize=False is experimental
        return get_param_importances(
            study, evaluator=PedAnovaImportanceEvaluator(target_quantile=quantile), normalize=False
        )
