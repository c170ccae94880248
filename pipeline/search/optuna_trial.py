"""Params are drawn from one of Optuna's trials, and what they violate is told to it."""

from collections.abc import Callable
from typing import cast

import optuna

from pipeline.candidate import Feasibility
from pipeline.hyperparameter import Scalar
from pipeline.space import Choice, Domain, FloatRange, IntRange


def suggest(trial: optuna.Trial) -> Callable[[str, Domain], Scalar]:
    """What draws the value of a hyperparameter from its domain."""

    def suggest(name: str, domain: Domain) -> Scalar:
        match domain:
            case IntRange():
                return trial.suggest_int(name, domain.low, domain.high, step=domain.step, log=domain.log)
            case FloatRange():
                return trial.suggest_float(name, domain.low, domain.high, step=domain.step, log=domain.log)
            case Choice():
                return cast(Scalar, trial.suggest_categorical(name, list(domain.options)))

    return suggest


def constrain(trial: optuna.Trial, feasibility: Feasibility, **more: float) -> None:
    """Sets the constraints of a trial. Samplers need the same ones, in the same order, in every trial."""
    for name, violation in (dict(feasibility.violations) | more).items():
        trial.set_constraint(name, violation)
