"""How important each hyperparameter was for the scores of the trials."""

import warnings

import optuna
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, create_trial
from optuna.trial import TrialState as OptunaState

from pipeline.search.optuna_study import load_study, reading_errors
from pipeline.study.database import find_database
from pipeline.study.paths import StudyPaths

_FEWEST = 5
"""The smallest number of complete trials; with fewer, an importance would be noise."""


def importances(study: optuna.Study) -> dict[str, float]:
    """The importance of each hyperparameter in a study, largest first; they add up to 1.

    The method is conditional PED-ANOVA (Watanabe et al., IJCAI 2023; for hyperparameters that not every trial has,
    KDD 2026): it compares the values of a hyperparameter in the best complete trials with those in all complete
    trials. The best are a tenth of the trials, but at least 5, or half if there are fewer than 10. Pruned and failed
    trials, infeasible and repeated proposals do not count. In a study with several objectives only the score counts.

    Empty if there are fewer than 5 complete trials, if all have the same score, or if nothing varied.
    """
    trials = _complete(study)
    if len(trials) < _FEWEST or len({trial.value for trial in trials}) == 1:
        return {}
    importance = _evaluate(trials, study.directions[0])
    total = sum(importance.values())
    if not total > 0:
        return {}
    ranking = sorted(importance.items(), key=lambda item: (-item[1], item[0]))
    return {name: value / total for name, value in ranking}


def read_importances(paths: StudyPaths) -> dict[str, float]:
    """The importances in the study of a folder, empty where none has been stored; StudyError if it cannot be read."""
    database = find_database(paths)
    if database is None:
        return {}
    with reading_errors(database):
        return importances(load_study(database))


def _complete(study: optuna.Study) -> list[FrozenTrial]:
    """The complete trials, with the score as their only objective."""
    trials = study.get_trials(deepcopy=False, states=(OptunaState.COMPLETE,))
    return [
        create_trial(value=trial.values[0], params=trial.params, distributions=trial.distributions)
        for trial in trials
        if "trial" in trial.user_attrs
    ]


def _evaluate(trials: list[FrozenTrial], direction: StudyDirection) -> dict[str, float]:
    study = optuna.create_study(direction=direction)
    study.add_trials(trials)
    quantile = max(0.1, min(0.5, _FEWEST / len(trials)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about few trials in a regime, and the experimental normalize=False
        return get_param_importances(
            study, evaluator=PedAnovaImportanceEvaluator(target_quantile=quantile), normalize=False
        )
