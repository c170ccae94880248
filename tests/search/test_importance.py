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


@pytest.fixture
def database(tmp_path):
    return tmp_path / "optuna.db"


def fill(database, trials, value, attributes=None, state=OptunaState.COMPLETE, direction="maximize"):
    source = random.Random(1)
    study = optuna.create_study(
        storage=f"sqlite:///{database}", study_name="study", direction=direction, load_if_exists=True
    )
    made = []
    for _ in range(trials):
        values = draw(source)
        made.append(
            optuna.create_trial(
                state=state,
                value=value(values) if state is OptunaState.COMPLETE else None,
                params=values,
                distributions={name: DOMAINS[name] for name in values},
                user_attrs={"trial": {}} if attributes is None else attributes,
            )
        )
    study.add_trials(made)


def by_rate(values):
    return 0.9 - 0.1 * abs(math.log10(values["learning_rate"]) + 2)


def test_what_decides_comes_first_and_all_add_up_to_one(database):
    fill(database, 60, by_rate)
    found = importances(database)
    assert next(iter(found)) == "learning_rate"
    assert found["learning_rate"] > 0.5
    assert sum(found.values()) == pytest.approx(1)
    assert list(found.values()) == sorted(found.values(), reverse=True)
    assert all(type(value) is float for value in found.values())


def test_a_parameter_of_some_trials_is_judged_too(database):
    fill(database, 60, lambda values: values.get("momentum", 0.0))
    found = importances(database)
    assert found["momentum"] > found["dropout"]
    assert found["optimizer"] > found["dropout"]


@pytest.mark.parametrize("trials", [0, 1, 4])
def test_few_trials_say_nothing(database, trials):
    fill(database, trials, by_rate)
    assert importances(database) == {}


def test_five_trials_say_something(database):
    fill(database, 5, by_rate)
    assert sum(importances(database).values()) == pytest.approx(1)


def test_equal_values_say_nothing(database):
    fill(database, 20, lambda values: 0.5)
    assert importances(database) == {}


def test_repeated_pruned_and_infeasible_proposals_do_not_count(database):
    fill(database, 20, by_rate)
    before = importances(database)
    fill(database, 20, lambda values: 1.0 - values["dropout"], attributes={"repeats": 0})
    fill(database, 20, by_rate, state=OptunaState.PRUNED)
    assert importances(database) == before


def test_of_several_objectives_the_accuracy_counts(database, tmp_path):
    fill(database, 10, by_rate)
    other = f"sqlite:///{tmp_path / 'two.db'}"
    trials = [
        optuna.create_trial(
            values=[trial.value, 1000 * trial.params["dropout"]],
            params=trial.params,
            distributions=trial.distributions,
            user_attrs=trial.user_attrs,
        )
        for trial in optuna.load_study(study_name=None, storage=f"sqlite:///{database}").get_trials()
    ]
    optuna.create_study(storage=other, study_name="study", directions=["maximize", "minimize"]).add_trials(trials)
    found = importances(tmp_path / "two.db")
    assert found == importances(database)
    assert found


def test_no_storage_is_no_importance_and_none_is_made(database):
    assert importances(database) == {}
    assert not database.exists()


def test_a_minimised_score_tells_the_same(tmp_path):
    fill(tmp_path / "up.db", 60, by_rate)
    fill(tmp_path / "down.db", 60, lambda values: -by_rate(values), direction="minimize")
    up, down = importances(tmp_path / "up.db"), importances(tmp_path / "down.db")
    assert next(iter(down)) == "learning_rate"
    assert down == pytest.approx(up)
