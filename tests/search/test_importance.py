"""Which hyperparameters decided."""

import math
import random

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState as OptunaState

from pipeline.search.importance import importances

DOMAINS = {
    "learning_rate": FloatDistribution(1e-4, 1.0, log=True),
    "dropout": FloatDistribution(0.0, 0.5),
    "optimizer": CategoricalDistribution(("sgd", "adam")),
    "momentum": FloatDistribution(0.0, 1.0),
    "blocks": IntDistribution(1, 4),
}


def draw(source: random.Random) -> dict[str, float | str]:
    values = {
        "learning_rate": 10 ** source.uniform(-4, 0),
        "dropout": source.uniform(0, 0.5),
        "optimizer": source.choice(["sgd", "adam"]),
        "blocks": source.randint(1, 4),
    }
    return values | ({"momentum": source.random()} if values["optimizer"] == "sgd" else {})


def create_study(*directions):
    return optuna.create_study(study_name="study", directions=directions or ("maximize",))


def fill(study, trials, value, attributes=None, state=OptunaState.COMPLETE):
    """The study with more trials."""
    source = random.Random(1)
    for _ in range(trials):
        values = draw(source)
        study.add_trial(
            optuna.create_trial(
                state=state,
                value=value(values) if state is OptunaState.COMPLETE else None,
                params=values,
                distributions={name: DOMAINS[name] for name in values},
                user_attrs={"trial": {}} if attributes is None else attributes,
            )
        )
    return study


def by_rate(values):
    return 0.9 - 0.1 * abs(math.log10(values["learning_rate"]) + 2)


def test_what_decides_comes_first_and_all_add_up_to_one():
    found = importances(fill(create_study(), 60, by_rate))
    assert next(iter(found)) == "learning_rate"
    assert found["learning_rate"] > 0.5
    assert sum(found.values()) == pytest.approx(1)
    assert list(found.values()) == sorted(found.values(), reverse=True)
    assert all(type(value) is float for value in found.values())


def test_a_parameter_of_some_trials_is_judged_too():
    found = importances(fill(create_study(), 60, lambda values: values.get("momentum", 0.0)))
    assert found["momentum"] > found["dropout"]
    assert found["optimizer"] > found["dropout"]


@pytest.mark.parametrize("trials", [0, 1, 4])
def test_few_trials_say_nothing(trials):
    assert importances(fill(create_study(), trials, by_rate)) == {}


def test_five_trials_say_something():
    assert sum(importances(fill(create_study(), 5, by_rate)).values()) == pytest.approx(1)


def test_equal_values_say_nothing():
    assert importances(fill(create_study(), 20, lambda values: 0.5)) == {}


def test_repeated_pruned_and_infeasible_proposals_do_not_count():
    study = fill(create_study(), 20, by_rate)
    before = importances(study)
    fill(study, 20, lambda values: 1.0 - values["dropout"], attributes={"repeats": 0})
    fill(study, 20, by_rate, state=OptunaState.PRUNED)
    assert importances(study) == before


def test_of_several_objectives_the_accuracy_counts():
    study, two = fill(create_study(), 10, by_rate), create_study("maximize", "minimize")
    for trial in study.get_trials():
        two.add_trial(
            optuna.create_trial(
                values=[trial.value, 1000 * trial.params["dropout"]],
                params=trial.params,
                distributions=trial.distributions,
                user_attrs=trial.user_attrs,
            )
        )
    found = importances(two)
    assert found == importances(study)
    assert found


def test_a_minimised_score_tells_the_same():
    up = importances(fill(create_study(), 60, by_rate))
    down = importances(fill(create_study("minimize"), 60, lambda values: -by_rate(values)))
    assert next(iter(down)) == "learning_rate"
    assert down == pytest.approx(up)
